"""The workflow by the clock: dependencies, base image and scans, and where each of them is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.workflows.reading import commands, read, steps


@pytest.mark.requirement("Y09")
def test_updates_and_scans_come_by_the_clock_every_week(folder: Path) -> None:
    workflow = read(folder, "updates")
    ((minute, hour, day, month, weekday),) = [one["cron"].split() for one in workflow[True]["schedule"]]  # type: ignore[index]
    assert minute.isdigit() and hour.isdigit() and (day, month, weekday) == ("*", "*", "1")
    assert commands(workflow) == [
        "make lock UPGRADE=1",
        "make updates REPOSITORY=${{ github.repository }}",
        "make image IMAGE=contentgen:scanned",
        'make vulnerabilities SCANS="image.json dependencies.json" ISSUE_IN=${{ github.repository }}',
    ]


@pytest.mark.requirement("Y09")
def test_what_runs_in_production_is_scanned_and_every_dependency_of_the_lock(folder: Path, root: Path) -> None:
    scan = read(folder, "updates")["jobs"]["scan"]  # type: ignore[index]
    assert steps(scan)[0]["with"]["ref"] == "main"  # type: ignore[index]
    scanner = "aquasecurity/trivy-action@"
    image, dependencies = (one for one in steps(scan) if str(one.get("uses", "")).startswith(scanner))
    assert (image["with"]["image-ref"], image["with"]["output"]) == ("contentgen:scanned", "image.json")  # type: ignore[index]
    assert (dependencies["with"]["scan-type"], dependencies["with"]["output"]) == ("fs", "dependencies.json")  # type: ignore[index]
    # Trivy knows a lock by the name requirements.txt alone.
    assert dependencies["env"] == {"TRIVY_FILE_PATTERNS": r"pip:requirements\.lock$"}  # type: ignore[comparison-overlap]
    assert (root / "requirements.lock").exists()
    for one in (image, dependencies):
        assert one["with"]["format"] == "json"  # type: ignore[index]
        assert "exit-code" not in one["with"]  # type: ignore[operator]


@pytest.mark.requirement("Y09")
def test_the_pull_request_of_updates_goes_where_changes_go_first(folder: Path) -> None:
    job = read(folder, "updates")["jobs"]["updates"]  # type: ignore[index]
    assert steps(job)[0]["with"]["ref"] == "develop"  # type: ignore[index]
    assert job["permissions"] == {"contents": "write", "issues": "write", "pull-requests": "write"}


@pytest.mark.requirement("Y09")
def test_the_base_image_that_is_looked_for_is_the_one_that_images_are_built_on(root: Path) -> None:
    (looked_for,) = re.findall(r"^BASE_IMAGE := (.+)$", (root / "Makefile").read_text(), re.MULTILINE)
    bases = re.findall(r"^FROM (.+)@\$\{PYTHON_DIGEST\}", (root / "Dockerfile").read_text(), re.MULTILINE)
    assert set(bases) == {looked_for}
