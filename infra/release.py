"""The release that an update deploys, as its environment names it, and what the stack keeps of it as outputs (L02).

A push, a tag or a branch says nothing of what runs: a release may have gone back, or may never have been approved. The
stack's own outputs do, by any way of deployment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

IMAGE_VARIABLE: Final = "CONTENTGEN_IMAGE"
"""Reference of the application's image that is deployed instead of the stack file's: the digest that CI just pushed."""
COMMIT_VARIABLE: Final = "CONTENTGEN_COMMIT"
EARLIER_VARIABLE: Final = "CONTENTGEN_EARLIER_RELEASES"
"""The releases before this one as a JSON list, newest first."""

_REVISION: Final = re.compile(r"\d+")


def with_image(config: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """A stack's settings with the image that is released in place of the stack file's."""
    image = environment.get(IMAGE_VARIABLE)
    return {**config, "image": image} if image else dict(config)


def schema_of(root: Path, migrations: Sequence[str]) -> str:
    """The database revision that a checkout's application needs: the number of the newest migration of each folder,
    such as 0007, or 0007+0001 where a product goes on from another one's tables.
    """
    return "+".join(_newest(root / folder) for folder in migrations)


def _newest(folder: Path) -> str:
    found = (_REVISION.match(path.name) for path in folder.glob("*.py"))
    return max((one[0] for one in found if one), default="")


def outputs(root: Path, image: str, migrations: Sequence[str], environment: Mapping[str, str]) -> dict[str, object]:
    """The record of the release for the stack's outputs. A deployment by hand names no commit."""
    record: dict[str, object] = {"image": image, "schema": schema_of(root, migrations)}
    if commit := environment.get(COMMIT_VARIABLE):
        record["commit"] = commit
    if earlier := environment.get(EARLIER_VARIABLE):
        record["earlierReleases"] = json.loads(earlier)
    return record
