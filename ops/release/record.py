"""Which commit a real stack runs: an output of the stack itself, so that it is true whoever deployed it (L02).

An update writes it, and going back writes the older one again. Where a push, a tag or a branch stands says nothing of
what runs: a release may have gone back, or may never have been approved.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from infra.target import COMMIT_VARIABLE
from ops.target import EngineReadError, Target, kept

OUTPUT: Final = "commit"


class RecordError(Exception):
    """The stack's outputs cannot be read; the message is the engine's."""


def recorded_commit(target: Target) -> str:
    """The commit that runs; empty for a stack that was never deployed with a record. Raises RecordError."""
    try:
        return str(json.loads(kept(target, "output", "--json")).get(OUTPUT, ""))
    except EngineReadError as error:
        raise RecordError(f"{target.stack}: its outputs cannot be read: {error}") from None


def recording(target: Target, commit: str) -> Target:
    """The same target, whose next update records this commit."""
    return replace(target, environment={**target.environment, COMMIT_VARIABLE: commit})
