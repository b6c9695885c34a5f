"""Checksums of the files that are taken from release hosts: pinned here where they can be, else those that the host
publishes beside the file.

Files of a repository (definitions, manifests) have no published checksum. They are the same files that the Go modules
carry, so theirs are computed from modules that go.sum verified. Pinned sums of programs are written where the release
hosts are reached: ``python -m localcloud.toolchain.pinning`` writes both kinds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

SUMS = Path(__file__).resolve().parent / "sums.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def pinned() -> Mapping[str, str]:
    """Address of a file on its own host to its SHA-256."""
    return json.loads(SUMS.read_text()) if SUMS.exists() else {}


def write(sums: Mapping[str, str]) -> None:
    """Replaces the pinned sums."""
    SUMS.write_text(json.dumps(dict(sorted(sums.items())), indent=2) + "\n")


def published(text: str, name: str) -> str | None:
    """SHA-256 of the file of that name in what a host publishes; None where it says nothing of it.

    The forms are those of the hosts in use: the sum alone (dl.k8s.io ``NAME.sha256``), lines of ``sha256sum`` (etcd's
    ``SHA256SUMS``, Prometheus' ``sha256sums.txt``, Pulumi's and actionlint's ``checksums.txt``), and the ``digest`` of
    each asset in GitHub's API ("REST API endpoints for releases").
    """
    if text.lstrip().startswith("{"):
        try:
            assets = json.loads(text).get("assets", [])
        except ValueError:
            return None
        digests = {asset.get("name"): asset.get("digest") or "" for asset in assets}
        found = digests.get(name, "").removeprefix("sha256:")
    else:
        lines = [line.split() for line in text.splitlines()]
        alone = lines[0][0] if lines and len(lines[0]) == 1 else ""
        found = alone or next((line[0] for line in lines if len(line) == 2 and line[1].lstrip("*./") == name), "")
    found = found.lower()
    return found if _SHA256.fullmatch(found) else None
