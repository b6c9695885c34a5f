"""Workflows as tests read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

PINNED = re.compile(r"^[\w./-]+@[0-9a-f]{40}$")
NAMES = (
    *("checks", "comment", "deploy", "drift", "hotfix", "policy"),
    *("preview", "prove", "release", "stack", "tools", "updates"),
)

Job = Mapping[str, object]


def read(folder: Path, name: str) -> Mapping[object, object]:
    return yaml.safe_load((folder / f"{name}.yaml").read_text())


def jobs(workflow: Mapping[object, object]) -> Iterator[Job]:
    found = workflow["jobs"]
    assert isinstance(found, Mapping)
    yield from found.values()


def steps(job: Job) -> list[Mapping[str, object]]:
    """Those of a job; one that is another workflow has none of its own."""
    if "uses" in job:
        return []
    found = job["steps"]
    assert isinstance(found, list)
    return found


def commands(workflow: Mapping[object, object]) -> list[str]:
    return [str(step["run"]) for job in jobs(workflow) for step in steps(job) if "run" in step]


def make_targets(root: Path) -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))


def of_environment(root: Path, *environments: str) -> list[str]:
    """The stack files of these environments, by what each says of itself."""
    found = {path: yaml.safe_load(path.read_text())["config"] for path in sorted(root.glob("Pulumi.*.yaml"))}
    return [
        path.stem.removeprefix("Pulumi.")
        for path, config in found.items()
        if config["contentgen:environment"] in environments
    ]
