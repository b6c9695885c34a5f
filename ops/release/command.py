"""``contentgen plan`` and ``contentgen release``: what was reviewed is what is applied."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from infra.settings import StackSettings
from infra.stackfile import read
from localcloud.paths import CHECKOUT
from ops import deployment
from ops.commits import CommitError, checked_out
from ops.console import Report
from ops.previewing import preview_events
from ops.release.checklist import Facts, unanswered
from ops.release.checklist import read as read_checklist
from ops.release.notice import Notice, tell
from ops.release.plan_facts import PlanFacts, PlanFactsError, written
from ops.release.plan_facts import read as read_facts
from ops.release.process import WATCH_SECONDS, Outcome, StepError, Steps, release
from ops.release.record import recorded_commit, recording
from ops.release.smoke import CLIENT, smoke
from ops.report.command import DEFAULT_FILE, report, stack_report
from ops.report.secrets import without_secrets
from ops.sessions import TokenError, token_of
from ops.target import Target

PLAN: Final = Path("reports/plan.json")
PLAN_FACTS: Final = Path("reports/plan-facts.json")
TESTS: Final = Path("reports/tests.xml")
UNRELEASED: Final = re.compile(r"^## .*unreleased.*$\n(.*?)(?=^## |\Z)", re.IGNORECASE | re.MULTILINE | re.DOTALL)


def events_of(stack: str) -> Path:
    """Where the preview of a stack is kept that its plan was made by; it holds inputs in clear and goes nowhere."""
    return CHECKOUT / PLAN.parent / f"events-{stack}.json"


def make_plan(target: Target, out: Report) -> bool:
    """A plan in PLAN, with its facts and its comment beside it; whether nothing stops it. The plan is readable by its
    owner only.
    """
    plan = CHECKOUT / PLAN
    plan.parent.mkdir(parents=True, exist_ok=True)
    plan.unlink(missing_ok=True)
    (CHECKOUT / PLAN_FACTS).unlink(missing_ok=True)
    preview_events(recording(target, _commit()), events_of(target.stack), "--save-plan", str(plan), *target.policies)
    if plan.exists():
        plan.chmod(0o600)
    of_stack = PlanFacts.of(target.stack, _commit(), stack_report(CHECKOUT, target.stack, events_of(target.stack)))
    written(CHECKOUT / PLAN_FACTS, of_stack)
    return report(CHECKOUT, {target.stack: events_of(target.stack)}, CHECKOUT / DEFAULT_FILE, None, out)


def make_release(target: Target, address: str, back_to: str, environment: Mapping[str, str], out: Report) -> bool:
    """Applies the plan, tests, watches, goes back by itself; whether it is released. Slack is told either way.

    ``back_to`` is a commit; the one that the stack records when it is empty. Raises RecordError.
    """
    settings = read(CHECKOUT, target.stack)
    back_to = back_to or recorded_commit(target)
    out.line(f"{target.stack}: going back would be to {back_to or 'nothing: no release is recorded'}")
    target = recording(target, _commit())
    try:
        wrong = unanswered(read_checklist(CHECKOUT), facts(target.stack, settings, back_to))
    except PlanFactsError as error:
        wrong = [str(error)]
    for line in wrong:
        out.line(f"checklist: {line}")
    if wrong:
        return False
    steps = Steps(
        apply=lambda: _pulumi(target, "up", "--yes", "--plan", str(CHECKOUT / PLAN)),
        smoke=lambda: smoke(address, settings.security_headers, _session(target, out)),
        go_back=lambda: _go_back(target, back_to),
        wait=time.sleep,
        say=out.step,
    )
    outcome, why = Outcome.STUCK, "the release was stopped from outside before its end"
    try:
        outcome, why = release(steps, float(environment.get("WATCH_SECONDS", WATCH_SECONDS)))
    finally:
        out.line(f"{target.stack}: {outcome.value}{f': {why}' if why else ''}")
        _tell(Notice(outcome, target.stack, _commit(), environment.get("AUTHOR", "somebody"), why), environment, out)
    return outcome is Outcome.RELEASED


def _session(target: Target, out: Report) -> str:
    """A session for the smoke test; none of a release that had no keys yet, which asks for none."""
    try:
        return token_of(target, CLIENT)
    except TokenError as error:
        out.line(f"smoke test without a session: {error}")
        return ""


def facts(stack: str, settings: StackSettings, back_to: str) -> Facts:
    """What the checklist asks for, read from this checkout. Raises PlanFactsError."""
    changes = UNRELEASED.search((CHECKOUT / "CHANGELOG.md").read_text())
    return Facts(
        planned=read_facts(CHECKOUT / PLAN_FACTS, stack, _commit()),
        plan=CHECKOUT / PLAN,
        tests_passed=tests_passed(CHECKOUT / TESTS),
        image=settings.image,
        back_to_is_here=not back_to or _git("cat-file", "-e", f"{back_to}^{{commit}}").returncode == 0,
        unreleased=changes[1] if changes else "",
        problem_of_settings=deployment.problem_of(stack),
    )


def tests_passed(path: Path) -> bool:
    """Whether a test report is there and tells of no failure."""
    if not path.exists():
        return False
    suites = ET.parse(path).getroot().iter("testsuite")  # noqa: S314 - the report of our own tests
    counts = [int(suite.get(key, "0")) for suite in suites for key in ("failures", "errors")]
    return bool(counts) and not any(counts)


def _pulumi(target: Target, *arguments: str) -> None:
    """An engine command with its output on ours, without secrets: a plan that does not hold prints them in clear.

    Raises StepError when it fails.
    """
    command = [str(target.command), *arguments, "--non-interactive", "--stack", target.stack, *target.policies]
    child = subprocess.Popen(
        command,
        cwd=target.workspace,
        env=dict(target.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout is not None
    for line in without_secrets(child.stdout):
        sys.stdout.write(line)
    if child.wait() != 0:
        raise StepError(f"pulumi {arguments[0]} ended with exit code {child.returncode}")


def _go_back(target: Target, commit: str) -> None:
    """The release before, by its own code and its own policies."""
    if not commit:
        raise StepError("no release is recorded to go back to: this was the first")
    with tempfile.TemporaryDirectory(prefix="contentgen-back-") as folder:
        try:
            before = checked_out(commit, Path(folder) / "before")
        except CommitError as error:
            raise StepError(str(error)) from None
        # The paths of the policies are relative, so that they are that commit's own.
        _pulumi(recording(replace(target, workspace=before), commit), "up", "--yes", "--skip-preview")


def _tell(notice: Notice, environment: Mapping[str, str], out: Report) -> None:
    webhook = environment.get("SLACK_WEBHOOK", "")
    if not webhook:
        out.line("SLACK_WEBHOOK is not set, so nobody was told")
    elif not tell(notice, webhook):
        out.line("Slack does not answer, so nobody was told")


def _commit() -> str:
    return _git("rev-parse", "HEAD").stdout.strip()


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
