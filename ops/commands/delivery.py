"""Commands that bring a change to a real stack: its check, its comment, its release, and the way back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from infra.settings.environment import Environment
from infra.settings.stack_file import stacks
from ops import deployment, exit_codes
from ops.checkout import CHECKOUT
from ops.clusters import clusters_hold, reachable
from ops.commands.options import Address, Real, Stack
from ops.console import Report
from ops.delivered_stacks import delivered
from ops.delivered_stacks import tell as tell_stacks
from ops.drift import drift as find_drift
from ops.drift import real_drift as find_real_drift
from ops.drift import tell_drift
from ops.image import push
from ops.kubeconfig import write_kubeconfig
from ops.prerequisites import prerequisites_hold
from ops.pull_request import check_pull_request
from ops.release.command import make_plan, make_release, make_rollback, promote
from ops.release.proposal import propose_release
from ops.report.command import DEFAULT_FILE, chosen, pull_request_of, write_comment
from ops.report.command import report as report_on
from ops.stack_files import read
from ops.target import chosen as target_of
from ops.upkeep.updates import propose_updates, tell_base
from ops.upkeep.vulnerabilities import read_scans, tell_vulnerabilities


def report_(
    preview: Annotated[list[str], typer.Option("--preview", help="stack=file of streaming JSON; may be repeated")],
    output: Annotated[Path, typer.Option(help="file of the comment")] = DEFAULT_FILE,
    pull_request: Annotated[str, typer.Option(help="owner/name#number; its token is GITHUB_TOKEN")] = "",
) -> None:
    """Turn previews into one comment of a pull request; 1 when the check fails, 4 when it cannot be published."""
    where = pull_request_of(pull_request, os.environ) if pull_request else None
    if not report_on(CHECKOUT, chosen(preview), output, where, Report()):
        raise typer.Exit(exit_codes.FAILED)


def drift(
    stack: Stack = "local",
    real: Real = False,
    issue_in: Annotated[str, typer.Option(help="owner/name: one issue, opened, brought up to date, closed")] = "",
) -> None:
    """List the differences between a running stack and its declaration; 1 when there are any."""
    report = Report()
    if real:
        found = find_real_drift(stack, report, os.environ)
    else:
        deployment.require_up(stack)
        found = find_drift(target_of(stack, report, os.environ, on_real=False), report)
    if issue_in:
        tell_drift(stack, found, issue_in, os.environ)
    if found:
        raise typer.Exit(exit_codes.FAILED)


def _real_clusters_hold(stack: str) -> bool:
    """Reports on nodes and prerequisites of every region, both in any case; a cluster that does not answer fails."""
    settings, report = read(CHECKOUT, stack), Report()
    asked = reachable(settings, report)
    nodes = clusters_hold(settings, asked, report)
    return prerequisites_hold(settings, asked, report) and nodes and len(asked) == len(settings.regions)


def plan(stack: Stack = "local", real: Real = False) -> None:
    """Make the plan that a release applies, and the comment that shows it; 1 when something stops it."""
    if real and not _real_clusters_hold(stack):
        raise typer.Exit(exit_codes.FAILED)
    if not make_plan(target_of(stack, Report(), os.environ, on_real=real), os.environ, Report()):
        raise typer.Exit(exit_codes.FAILED)


def clusters(stack: Stack = "prod") -> None:
    """Check that the real clusters meet the minimums in the stack file; 1 when one does not, or does not answer."""
    if not _real_clusters_hold(stack):
        raise typer.Exit(exit_codes.FAILED)


def _addresses(stack: str, address: str, *, on_real: bool) -> dict[str, str]:
    return {"given": address} if address else deployment.addresses_of(stack, on_real=on_real)


def release(
    stack: Stack = "local",
    real: Real = False,
    address: Address = "",
    back_to: Annotated[str, typer.Option(help="commit to go back to; the one that the stack records if left out")] = "",
) -> None:
    """Apply the plan, test, watch, roll back on a failure, and notify Slack either way."""
    target = target_of(stack, Report(), os.environ, on_real=real)
    if not make_release(target, _addresses(stack, address, on_real=real), back_to, os.environ, Report()):
        raise typer.Exit(exit_codes.FAILED)


def rollback(
    stack: Stack = "local",
    real: Real = False,
    to: Annotated[
        str, typer.Option(help="revision to go back to; the release before the running one if left out")
    ] = "",
    image: Annotated[str, typer.Option(help="its image, where the stack has no record of that release")] = "",
    address: Address = "",
) -> None:
    """Go back to an earlier release, with its own code, image and policies; 1 when it does not answer."""
    if not real:
        deployment.require_up(stack)
    target = target_of(stack, Report(), os.environ, on_real=real)
    if not make_rollback(target, _addresses(stack, address, on_real=real), to, image, os.environ, Report()):
        raise typer.Exit(exit_codes.FAILED)


def push_(image: Annotated[str, typer.Argument(help="ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG")]) -> None:
    """Push the application's image, wait for the registry's scan, and write its digest to reports/image.txt."""
    push(image, os.environ, Report())


def promote_() -> None:
    """Write the digest that staging runs to reports/image.txt, for production; 1 when staging runs other files."""
    promote(os.environ, Report())


def kubeconfig(
    stack: Stack = "prod",
    file: Annotated[Path, typer.Option(help="written anew; never the user's own")] = Path("reports/kubeconfig"),
) -> None:
    """Write the contexts of a stack's EKS clusters, for a machine that has none; the AWS CLI gives them a token."""
    write_kubeconfig(read(CHECKOUT, stack), file, Report())


def stacks_(
    environment: Annotated[
        list[Environment] | None, typer.Option("--environment", help="dev, staging or prod; all when left out")
    ] = None,
    only: Annotated[str, typer.Option(help="names between spaces, of which the list has no others")] = "",
) -> None:
    """List the stacks of an environment, of every product, as JSON; in a workflow as the output `stacks` too."""
    tell_stacks(delivered(CHECKOUT, environment or (), only.split()), Report(), os.environ)


def propose(repository: Annotated[str, typer.Option(help="owner/name; its token is GITHUB_TOKEN")]) -> None:
    """Open the pull request of the weekly release, develop to main, with the checklist; once while one is open."""
    Report().line(propose_release(CHECKOUT, repository, os.environ))


def updates(
    repository: Annotated[str, typer.Option(help="owner/name; its token is GITHUB_TOKEN")],
    base_digest: Annotated[
        str, typer.Option(help="digest that the base image's tag names now; PYTHON_DIGEST is compared with it")
    ] = "",
) -> None:
    """Propose newer dependencies as a pull request, from a lock made anew, and a newer base image as an issue."""
    report = Report()
    report.line(propose_updates(CHECKOUT, repository, os.environ) or "no dependency is newer")
    if base_digest:
        report.line(tell_base(base_digest, repository, os.environ) or "the base image is the newest")


def vulnerabilities(
    scans: Annotated[list[Path], typer.Argument(help="JSON reports of Trivy")],
    issue_in: Annotated[str, typer.Option(help="owner/name: one issue, opened, brought up to date, closed")] = "",
) -> None:
    """List what scans found, the worst first; 1 when there is anything."""
    report, found = Report(), read_scans(scans)
    for one in found:
        report.line(str(one))
    if issue_in:
        report.line(tell_vulnerabilities(found, issue_in, os.environ) or "no issue is open")
    if found:
        raise typer.Exit(exit_codes.FAILED)


def comment(
    folder: Annotated[Path, typer.Argument(help="with a report.json in each folder below, preview-STACK")],
    repository: Annotated[str, typer.Option(help="owner/name; its token is GITHUB_TOKEN")],
) -> None:
    """Write one comment from the data that previews left, in the place of the one before; 4 if it cannot be published.

    The pull request is the open one whose head is HEAD_OWNER, HEAD_BRANCH, HEAD_COMMIT: what the platform says.
    """
    write_comment(CHECKOUT, folder, repository, os.environ, Report())


def pr_check(
    base: Annotated[str, typer.Option(help="commit the pull request goes to")] = "origin/main",
    stack: Annotated[list[str] | None, typer.Option("--stack", "-s", help="one stack; all when left out")] = None,
    rollback: Annotated[bool, typer.Option(help="apply this checkout and the base again, within five minutes")] = True,
) -> None:
    """Deploy the base onto the embedded cloud, preview this checkout against it, write the comment. No credentials."""
    if not check_pull_request(base, stack or stacks(CHECKOUT), Report(), rollback=rollback):
        raise typer.Exit(exit_codes.FAILED)
