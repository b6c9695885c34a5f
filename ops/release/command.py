"""``contentgen plan``, ``release`` and ``rollback``: what was reviewed is what is applied, and there is a way back."""

from __future__ import annotations

import re
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from infra.release import IMAGE_VARIABLE, schema_of
from infra.settings.stack import StackSettings
from ops import deployment
from ops.checkout import CHECKOUT
from ops.console import Report
from ops.image import hand_on
from ops.previewing import preview_events
from ops.release.checklist import Facts, unanswered
from ops.release.checklist import read as read_checklist
from ops.release.going_back import go_back
from ops.release.notice import Notice, tell
from ops.release.plan_facts import PlanFacts, PlanFactsError, written
from ops.release.plan_facts import read as read_facts
from ops.release.process import WATCH_SECONDS, Outcome, StepError, Steps, back, release
from ops.release.record import Record, RecordError, Release, record_of, recording
from ops.release.rehearsal import STAGING, rehearsal, rehearsed
from ops.release.rollouts import wait_for_rollouts
from ops.release.service import Service
from ops.release.updating import update
from ops.report.command import DEFAULT_FILE, report, stack_report
from ops.stack_files import read
from ops.target import Target, real
from stacks.products.registry import PRODUCTS

PLAN: Final = Path("reports/plan.json")
PLAN_FACTS: Final = Path("reports/plan-facts.json")
TESTS: Final = Path("reports/tests.xml")
UNRELEASED: Final = re.compile(
    r"^## [^\n]*unreleased[^\n]*\n(.*?)(?=^## |\Z)", re.IGNORECASE | re.MULTILINE | re.DOTALL
)
MIGRATION_TESTS: Final = "test_migrations"
STOPPED: Final = "it was stopped from outside before its end"


def events_of(stack: str) -> Path:
    """Path of the preview events behind a stack's plan; the file holds inputs in clear and goes nowhere."""
    return CHECKOUT / PLAN.parent / f"events-{stack}.json"


def make_plan(target: Target, environment: Mapping[str, str], out: Report) -> bool:
    """A plan in PLAN, with its facts and its comment beside it; whether nothing stops it. The plan is readable by its
    owner only. Raises RecordError.
    """
    plan = CHECKOUT / PLAN
    plan.parent.mkdir(parents=True, exist_ok=True)
    plan.unlink(missing_ok=True)
    (CHECKOUT / PLAN_FACTS).unlink(missing_ok=True)
    newest, record = _newest(target, environment), record_of(target)
    planned = recording(target, newest, record.before(newest))
    preview_events(planned, events_of(target.stack), "--save-plan", str(plan), *target.policies)
    if plan.exists():
        plan.chmod(0o600)
    of_stack = PlanFacts.of(target.stack, newest.commit, stack_report(CHECKOUT, target.stack, events_of(target.stack)))
    written(CHECKOUT / PLAN_FACTS, of_stack)
    return report(CHECKOUT, {target.stack: events_of(target.stack)}, CHECKOUT / DEFAULT_FILE, None, out)


def make_release(
    target: Target, addresses: Mapping[str, str], back_to: str, environment: Mapping[str, str], out: Report
) -> bool:
    """Apply the plan, test, watch, roll back on a failure; True if it is released. Slack is notified either way.

    ``addresses`` are those of every region. ``back_to`` is a commit; the one that the stack records when it is empty.
    Raises RecordError.
    """
    newest, record = _newest(target, environment), record_of(target)
    to = (record.find(back_to) or Release(commit=back_to)) if back_to else record.running
    out.line(f"{target.stack}: going back would be to {to.commit if to else 'nothing: no release is recorded'}")
    tell_slack = partial(_tell, target, newest.commit, environment, out)
    settings = read(CHECKOUT, target.stack).model_copy(update={"image": newest.image})
    try:
        wrong = unanswered(read_checklist(CHECKOUT), facts(target, settings, to, environment, out))
    except PlanFactsError as error:
        wrong = [str(error)]
    for line in wrong:
        out.line(f"checklist: {line}")
    if wrong:
        tell_slack(Outcome.REFUSED, "; ".join(wrong))
        return False
    released = recording(target, newest, record.before(newest))
    steps = _steps(
        Service.of(target, settings, addresses, out.line),
        lambda: _apply(released, settings),
        lambda: _go_back(target, settings, to, record, out),
        out,
    )
    seconds = float(environment.get("WATCH_SECONDS", WATCH_SECONDS))
    return _ended(lambda: release(steps, seconds), tell_slack) is Outcome.RELEASED


def promote(environment: Mapping[str, str], out: Report) -> None:
    """Hands on the image that staging runs: production gets the very digest that was tried there, not a second build.

    Raises RecordError when staging runs other files than this checkout's, or an image that no record names.
    """
    found = rehearsed(real(STAGING, environment), _same_files)
    if not found.image:
        raise RecordError(f"{STAGING} has no record of the image of {found.commit[:12]}; fix: release it there again")
    hand_on(found.image, environment)
    out.line(f"{found.image} runs on {STAGING} and goes on to production")


def make_rollback(
    target: Target,
    addresses: Mapping[str, str],
    revision: str,
    image: str,
    environment: Mapping[str, str],
    out: Report,
) -> bool:
    """Go back to a release on request, the one before the one that runs when ``revision`` is empty; True if that then
    answers. Slack is notified either way.

    ``image`` is for a release that the stack has no record of. Raises RecordError for one that is not known.
    """
    record = record_of(target)
    to = earlier_release(target.stack, record, _resolved(revision) if revision else "", image)
    newest = record.running.schema_ if record.running else ""
    if to.schema_ < newest:
        out.line(f"the database stays at revision {newest}, of which {to.commit[:12]} knows {to.schema_ or 'nothing'}")
    settings = read(CHECKOUT, target.stack)
    steps = _steps(
        Service.of(target, settings, addresses, out.line),
        lambda: None,
        lambda: _go_back(target, settings, to, record, out),
        out,
    )
    why = f"asked for by {environment.get('AUTHOR', 'an unknown user')}"
    ended = _ended(lambda: back(steps, why), partial(_tell, target, to.commit, environment, out))
    return ended is Outcome.ROLLED_BACK


def earlier_release(stack: str, record: Record, commit: str, image: str) -> Release:
    """The release to go back to, with its image. Raises RecordError, naming those that the stack has a record of."""
    known = ", ".join(one.commit[:12] for one in record.earlier) or "none"
    if not commit:
        if not record.earlier:
            raise RecordError(f"{stack} has no record of an earlier release; fix: name one with --to REVISION")
        return record.earlier[0]
    if record.running and record.running.commit == commit:
        raise RecordError(f"{stack} runs {commit[:12]} already; releases before it: {known}")
    found = record.find(commit)
    if found is None and not image:
        fix = "fix: give its image too, --image REPOSITORY@sha256:DIGEST"
        raise RecordError(f"{stack} has no record of a release of {commit[:12]}, but of {known}; {fix}")
    return (found or Release(commit=commit)).model_copy(update={"image": image} if image else {})


def facts(
    target: Target, settings: StackSettings, to: Release | None, environment: Mapping[str, str], out: Report
) -> Facts:
    """The state that the checklist asks for, of this checkout and of staging. Raises PlanFactsError."""
    changes = UNRELEASED.search((CHECKOUT / "CHANGELOG.md").read_text())
    on_real = target.engine is None
    return Facts(
        planned=read_facts(CHECKOUT / PLAN_FACTS, target.stack, _commit()),
        plan=CHECKOUT / PLAN,
        tests_passed=tests_passed(CHECKOUT / TESTS),
        migrations=_new_migrations(to, PRODUCTS[settings.product].migrations),
        migrations_tested=migrations_tested(CHECKOUT / TESTS),
        notices={
            "alerts.notify": settings.alerts.notify,
            "backup.notify": settings.backup.notify,
            "budget.notify": settings.budget.notify,
        }
        if on_real
        else {},
        rehearsal=rehearsal(target, settings, environment, _same_files, out.line),
        image=settings.image,
        back_to_is_here=to is None or _git("cat-file", "-e", f"{to.commit}^{{commit}}").returncode == 0,
        unreleased=changes[1] if changes else "",
        problem_of_settings=deployment.problem_of(target.stack, settings, on_real=on_real),
    )


def tests_passed(path: Path) -> bool:
    """True if a test report is there and reports no failure."""
    if not path.exists():
        return False
    suites = ET.parse(path).getroot().iter("testsuite")  # noqa: S314 - the report of our own tests
    counts = [int(suite.get(key, "0")) for suite in suites for key in ("failures", "errors")]
    return bool(counts) and not any(counts)


def migrations_tested(path: Path) -> bool:
    """True if a test report has tests of migrations, whose failures ``tests_passed`` knows."""
    if not path.exists():
        return False
    cases = ET.parse(path).getroot().iter("testcase")  # noqa: S314 - the report of our own tests
    ran = [case for case in cases if MIGRATION_TESTS in case.get("classname", "") and case.find("skipped") is None]
    return bool(ran)


def _new_migrations(to: Release | None, migrations: Sequence[str]) -> tuple[str, ...]:
    """Files of migrations that the release to go back to does not have; all of them for a first release."""
    if to is None:
        folders = (CHECKOUT / folder for folder in migrations)
        return tuple(path.name for folder in folders for path in sorted(folder.glob("[0-9]*.py")))
    changed = _git("diff", "--name-only", "--diff-filter=A", to.commit, "HEAD", "--", *migrations).stdout
    return tuple(Path(line).name for line in changed.splitlines())


def _same_files(commit: str) -> bool:
    """True if a commit has the files of this checkout's; a merge of the same changes has."""
    return _git("diff", "--quiet", commit, "HEAD").returncode == 0


def _newest(target: Target, environment: Mapping[str, str]) -> Release:
    """This checkout, with the image that is deployed: the embedded cloud's own, the given one, or the stack file's."""
    settings = read(CHECKOUT, target.stack)
    given = environment.get(IMAGE_VARIABLE) or settings.image
    image = given if target.engine is None else target.engine.setting(deployment.IMAGE_SETTING)
    migrations = PRODUCTS[settings.product].migrations
    return Release(commit=_commit(), image=image, schema=schema_of(CHECKOUT, migrations))


def _steps(service: Service, apply: Callable[[], None], go_back: Callable[[], None], out: Report) -> Steps:
    return Steps(apply=apply, smoke=service.smoke, look=service.look, go_back=go_back, wait=time.sleep, say=out.step)


def _apply(target: Target, settings: StackSettings) -> None:
    update(target, "--plan", str(CHECKOUT / PLAN))
    wait_for_rollouts(target, settings)


def _go_back(target: Target, settings: StackSettings, to: Release | None, record: Record, out: Report) -> None:
    if to is None:
        raise StepError("no release is recorded to go back to: this was the first")
    go_back(target, to, record.before(to), out.step)
    wait_for_rollouts(target, settings)


def _ended(run: Callable[[], tuple[Outcome, str]], tell_slack: Callable[[Outcome, str], None]) -> Outcome:
    """The outcome of a release or rollback. Slack is notified whatever happens, on an interrupt too."""
    outcome, why = Outcome.STUCK, STOPPED
    try:
        outcome, why = run()
    finally:
        tell_slack(outcome, why)
    return outcome


def _tell(target: Target, commit: str, environment: Mapping[str, str], out: Report, outcome: Outcome, why: str) -> None:
    out.line(f"{target.stack}: {outcome.value}{f': {why}' if why else ''}")
    webhook = environment.get("SLACK_WEBHOOK", "")
    notice = Notice(outcome, target.stack, commit, environment.get("AUTHOR", "an unknown user"), why)
    if not webhook:
        out.line("SLACK_WEBHOOK is not set; no message was sent")
    elif not tell(notice, webhook):
        out.line("Slack does not answer; no message was sent")


def _resolved(revision: str) -> str:
    """The full name of a commit. Raises RecordError for what is none."""
    found = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if found.returncode != 0:
        raise RecordError(f"{revision} is no commit of this repository; fix: git fetch, or name one that is")
    return found.stdout.strip()


def _commit() -> str:
    return _git("rev-parse", "HEAD").stdout.strip()


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
