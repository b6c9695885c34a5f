"""``contentgen generate``: the files that are made from the code, so that they cannot say something else than it.

docs/stack.schema.json lets editors complete and check stack files; docs/settings.md is the same for people;
docs/limits.md has what callers of the service may send or hold; docs/embedded-cloud-rules.md what the embedded AWS
refuses; docs/clusters.md what a real cluster brings; docs/permissions.md what each identity may do in AWS;
the lists of stacks in .github/workflows are those of the stack files;
policies/config/<stack>.json is how limits and headers reach the policy pack, policies/profiles/ has configurations for
any project, docs/policies/ a page a rule.
``--check`` only compares.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from infra.settings.stack_file import stacks
from ops.clusters_page import clusters_page
from ops.console import Report
from ops.embedded_cloud_page import embedded_cloud_page
from ops.limits_page import limits_page
from ops.policy_pack import policy_pages, policy_profiles, stack_policy_config
from ops.schema import stack_file_schema
from ops.settings_page import settings_page
from ops.stack_files import read
from ops.workflow_lists import workflow_lists

SCHEMA: Final = Path("docs/stack.schema.json")
SETTINGS_PAGE: Final = Path("docs/settings.md")
LIMITS_PAGE: Final = Path("docs/limits.md")
CLUSTERS_PAGE: Final = Path("docs/clusters.md")
EMBEDDED_CLOUD_PAGE: Final = Path("docs/embedded-cloud-rules.md")
PERMISSIONS_PAGE: Final = Path("docs/permissions.md")
POLICY_FOLDER: Final = Path("policies/config")
PROFILE_FOLDER: Final = Path("policies/profiles")
OWNED: Final = (f"{POLICY_FOLDER}/*.json", f"{PROFILE_FOLDER}/*.json", "docs/policies/*.md")
"""Every file that matches is generated; one that is not any more belongs to a stack or a rule that is gone."""


def generated(root: Path) -> dict[Path, str]:
    """Every generated file with its content, by its path. Raises SettingsError for a stack file that is wrong."""
    from ops.permissions_page import permissions_page  # brings the SDK, which no other command needs

    configs = {
        POLICY_FOLDER / f"{stack}.json": _json(stack_policy_config(root, stack, read(root, stack)))
        for stack in stacks(root)
    }
    configs |= {PROFILE_FOLDER / f"{name}.json": _json(dict(profile)) for name, profile in policy_profiles().items()}
    pages = {SETTINGS_PAGE: settings_page(), LIMITS_PAGE: limits_page(), EMBEDDED_CLOUD_PAGE: embedded_cloud_page()}
    pages |= {CLUSTERS_PAGE: clusters_page(), PERMISSIONS_PAGE: permissions_page()}
    return {SCHEMA: _json(stack_file_schema()), **pages, **configs, **policy_pages(), **workflow_lists(root)}


def differing(root: Path, files: Mapping[Path, str]) -> list[Path]:
    """The files that are missing or hold something else, and those of stacks and rules that are gone."""
    wrong = [path for path, text in files.items() if not (root / path).exists() or (root / path).read_text() != text]
    there = [path.relative_to(root) for pattern in OWNED for path in sorted(root.glob(pattern))]
    return [*wrong, *(path for path in there if path not in files)]


def generate(root: Path, report: Report, *, check: bool) -> bool:
    """Writes what differs, or with ``check`` only names it. Whether the files are now as the code says."""
    files = generated(root)
    found = differing(root, files)
    for path in found:
        if check:
            report.line(f"{path}: is not what the code generates; fix: make generated")
        else:
            _bring_up_to_date(root / path, files.get(path))
            report.line(f"{path}: {'written' if path in files else 'removed, nothing generates it any more'}")
    if not found:
        report.line(f"{len(files)} generated files: no finding")
    return not (check and found)


def _bring_up_to_date(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
