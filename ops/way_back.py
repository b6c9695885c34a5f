"""The way back of a pull request, tried on the embedded cloud: this change on the base, then the base on that.

A release that fails in production is followed by the one before it, on whatever the failed one left: a newer schema,
replaced stores, protected additions. Here that happens to a copy first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from localcloud.cloud import CloudError
from localcloud.engine import Engine, EngineError
from ops import deployment
from ops.checkout import CHECKOUT
from ops.release.going_back import undeclared
from ops.release.process import StepError
from ops.release.rollouts import wait_for_rollouts
from ops.release.updating import WITH_EVENT_LOG
from ops.report.collecting import incomplete
from ops.report.data import Rollback
from ops.report.events import Operation, Preview, ReportError, complaints
from ops.report.events import read as read_preview
from ops.report.rollback import impossible, not_tried, way_back
from ops.report.verdict import violations
from ops.stack_files import read
from ops.target import POLICY_CONFIGURATION, Target

LIMIT_SECONDS: Final = 300.0
"""Time for both updates. A stack that takes longer has no verdict, and the comment says so."""
TOO_LONG: Final = f"it takes longer than {LIMIT_SECONDS:.0f} s"
UNAPPLIED: Final = "this change cannot be applied to the base"
UNRETURNED: Final = "the base cannot be applied to what this change left"


class _TooLong(Exception):
    """The time for both updates is over."""


def tried(target: Target, preview: Preview, base: Path, image: str, say: Callable[[str], None]) -> Rollback:
    """The verdict for a stack that stands as the base declares it. ``target`` and ``preview`` are this checkout's,
    ``base`` the files of the base and ``image`` what it was deployed with. Afterwards the stack may stand as either.
    """
    reason = unready(preview, base, target.stack)
    if reason:
        return not_tried(reason)
    if not any(one.operation is not Operation.SAME for one in preview.changes):
        return Rollback(verdict="clean")
    assert target.engine is not None
    return gone(target, target.engine, base, image, say)


def unready(preview: Preview, base: Path, stack: str) -> str:
    """Reason to leave the way back untried; nothing where it can be tried."""
    if not (base / POLICY_CONFIGURATION.format(stack=stack)).exists():
        return "the base does not have this stack"
    if incomplete(preview):
        return "the preview of this change fails"
    return "a policy stops this change" if violations(preview) else ""


def gone(target: Target, engine: Engine, base: Path, image: str, say: Callable[[str], None]) -> Rollback:
    """Runs the engine: this change, the preview of the base, the base. Within ``LIMIT_SECONDS``."""
    events = engine.folder / "tmp" / "way-back.json"
    began = time.monotonic()
    deadline = began + LIMIT_SECONDS
    try:
        say(f"{target.stack}: applying this change, then the base again, within {LIMIT_SECONDS:.0f} s")
        applied = _applied(engine, events, deadline)
        if applied:
            return impossible([f"{UNAPPLIED}: {one}" for one in applied])
        before = target.of_checkout(base, image)
        staying = undeclared(before, events)
        found = way_back(read_preview(target.stack, events), staying)
        _left(deadline)
        assert before.engine is not None
        returned = _applied(before.engine, events, deadline, *(part for urn in staying for part in ("--exclude", urn)))
        if returned:
            return impossible([f"{UNRETURNED}: {one}" for one in returned])
        # The engine takes an earlier pod template for available at once, and this change's pods answer until then.
        wait_for_rollouts(before, read(CHECKOUT, target.stack), _left(deadline))
        deployment.await_answers(before.engine)
        return found.model_copy(update={"seconds": max(1, round(time.monotonic() - began))})
    except _TooLong:
        return not_tried(TOO_LONG)
    except (StepError, CloudError, ReportError) as error:
        return impossible([f"{UNRETURNED}: {error}"]) if time.monotonic() < deadline else not_tried(TOO_LONG)
    finally:
        events.unlink(missing_ok=True)


def _left(deadline: float) -> float:
    """Seconds that are left. Raises _TooLong when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise _TooLong
    return left


def _applied(engine: Engine, events: Path, deadline: float, *arguments: str) -> list[str]:
    """An update of the engine's checkout; the engine's complaints when it fails. Raises _TooLong."""
    # Events hold every input in clear.
    events.unlink(missing_ok=True)
    events.touch(mode=0o600)
    options = ("--yes", "--skip-preview", "--non-interactive", "--event-log", str(events))
    try:
        engine.run("up", *options, *arguments, seconds=_left(deadline), variables=WITH_EVENT_LOG)
    except EngineError as error:
        _left(deadline)
        return complaints(events.read_text(encoding="utf-8", errors="replace").splitlines()) or [str(error)]
    return []
