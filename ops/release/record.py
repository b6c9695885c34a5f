"""The releases of a real stack, as its own outputs keep them (L02): the one that runs, and those before it.

An update writes them, and going back writes the older one again, so they are true for any way of deployment. Where a
push, a tag or a branch stands says nothing of what runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from infra.release import COMMIT_VARIABLE, EARLIER_VARIABLE, IMAGE_VARIABLE
from ops.target import EngineReadError, Target, kept

KEPT_RELEASES: Final = 10


class RecordError(Exception):
    """The stack's outputs cannot be read, or do not have the release that is asked for."""


class Release(BaseModel):
    """A commit, the image that was deployed with it, and the database revision that it needs."""

    model_config = ConfigDict(frozen=True)

    commit: str
    image: str = ""
    schema_: str = Field("", alias="schema")


_RELEASES: Final = TypeAdapter(tuple[Release, ...])


@dataclass(frozen=True)
class Record:
    """``running`` is None for a stack that was never released; ``earlier`` is newest first."""

    running: Release | None
    earlier: tuple[Release, ...] = ()

    def before(self, release: Release) -> tuple[Release, ...]:
        """The releases that came before one: of one that is new those of the record, of an older one its own past."""
        known = (self.running, *self.earlier) if self.running else self.earlier
        place = next((place for place, one in enumerate(known) if one.commit == release.commit), -1)
        return known[place + 1 :][:KEPT_RELEASES]

    def find(self, commit: str) -> Release | None:
        """The newest release of a commit, by its full name or its beginning."""
        known = (self.running, *self.earlier) if self.running else self.earlier
        return next((one for one in known if one.commit.startswith(commit)), None)


def record_of(target: Target) -> Record:
    """The record in the stack's outputs. Raises RecordError."""
    try:
        outputs = json.loads(kept(target, "output", "--json"))
        earlier = _RELEASES.validate_python(outputs.get("earlierReleases", []))
        running = Release.model_validate(outputs) if outputs.get("commit") else None
    except EngineReadError as error:
        raise RecordError(f"{target.stack}: its outputs cannot be read: {error}") from None
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        raise RecordError(f"{target.stack}: its outputs are no record of releases: {where}: {wrong['msg']}") from None
    return Record(running, earlier)


def recording(target: Target, release: Release, earlier: tuple[Release, ...]) -> Target:
    """The same target, whose next update deploys this release's image and records it."""
    variables = {
        COMMIT_VARIABLE: release.commit,
        EARLIER_VARIABLE: json.dumps([one.model_dump(by_alias=True) for one in earlier]),
        **({IMAGE_VARIABLE: release.image} if release.image else {}),
    }
    return replace(target, environment={**target.environment, **variables})
