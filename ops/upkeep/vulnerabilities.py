"""``contentgen vulnerabilities``: known holes that scans by the clock found, as one issue (requirement Y09).

An image that was sound when it was released is not sound for ever: nothing of ours changes, and a hole becomes known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from ops.report.events import ReportError
from ops.report.publishing import keep_issue, repository_of
from ops.report.safe import listed

MARK: Final = "<!-- contentgen vulnerabilities -->"
TITLE: Final = "Known vulnerabilities"
SEVERITIES: Final = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN")
"""Trivy's, the worst first."""


class _Found(BaseModel):
    id: str = Field(alias="VulnerabilityID")
    package: str = Field(alias="PkgName")
    installed: str = Field(alias="InstalledVersion")
    fixed: str = Field("", alias="FixedVersion")
    severity: str = Field("UNKNOWN", alias="Severity")


class _Result(BaseModel):
    target: str = Field(alias="Target")
    vulnerabilities: tuple[_Found, ...] | None = Field(None, alias="Vulnerabilities")


class _Scan(BaseModel):
    version: int = Field(alias="SchemaVersion")
    results: tuple[_Result, ...] | None = Field(None, alias="Results")


@dataclass(frozen=True)
class Vulnerability:
    """A hole that is known in a version that we use, in the same package once, wherever it was found.

    id: CVE or advisory.
    package: package that has it.
    installed: version in use.
    fixed: versions without it, as the scanner names them; nothing where there is none yet.
    severity: one of SEVERITIES.
    """

    id: str
    package: str
    installed: str
    fixed: str
    severity: str

    def __str__(self) -> str:
        fix = f"fixed in {self.fixed}" if self.fixed else "no fix yet"
        return f"{self.severity} {self.id} in {self.package} {self.installed}: {fix}"


def read_scans(files: Sequence[Path]) -> tuple[Vulnerability, ...]:
    """Everything that the scans found, the worst first. Raises ReportError for a file that is no scan of Trivy's: an
    empty or cut-off one must not look like a sound image.
    """
    return tuple(sorted({one for file in files for one in _read(file)}, key=_order))


def _read(file: Path) -> Iterable[Vulnerability]:
    try:
        scan = _Scan.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise ReportError(f"{file}: is no JSON report of Trivy: {error}; fix: run the scan again") from None
    for result in scan.results or ():
        for one in result.vulnerabilities or ():
            yield Vulnerability(one.id, one.package, one.installed, one.fixed, one.severity)


def _order(one: Vulnerability) -> tuple[int, str, str, str]:
    rank = SEVERITIES.index(one.severity) if one.severity in SEVERITIES else len(SEVERITIES)
    return rank, one.package, one.id, one.installed


def tell_vulnerabilities(found: Sequence[Vulnerability], repository: str, environment: Mapping[str, str]) -> str:
    """One issue, opened once, brought up to date, and closed when nothing is known any more; its address.

    Raises ReportError without a token, PublishingError when GitHub refuses.
    """
    lines = listed([str(one) for one in found], "Nothing is known any more.")
    fix = "Fix: `make lock UPGRADE=1` for a package, a newer `PYTHON_DIGEST` for the base image, then a release."
    body = "\n".join([MARK, lines, "", fix])
    return keep_issue(TITLE, body, repository_of(repository, environment), wanted=bool(found))
