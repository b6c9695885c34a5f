"""``contentgen``: what an engineer or CI runs. Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 the machine
lacks something, 4 a comment could not be published, 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from infra.settings.errors import SettingsError
from infra.settings.stack_file import stacks
from infra.target import TargetError
from localcloud.cloud import CloudError
from localcloud.cluster import ClusterError
from localcloud.engine import EngineError
from localcloud.networks import NoNetworkLeft
from localcloud.paths import CHECKOUT
from localcloud.toolchain import origin
from localcloud.toolchain.compiler import ToolchainError
from ops import deployment, doctoring, reporting, rotation
from ops.clusters import clusters_hold
from ops.commits import CommitError
from ops.console import Report
from ops.cost.book import TABLE
from ops.cost.refresh import AWS_PRICE_LIST, PriceListError, refresh_prices
from ops.development import session as development
from ops.drift import drift as find_drift
from ops.drift import real_drift as find_real_drift
from ops.drift import tell_drift
from ops.explaining import ExplainError
from ops.explaining import explain as explain_resource
from ops.generating import generate as generate_files
from ops.image import ImageError, push
from ops.kubeconfig import KubeconfigError, write_kubeconfig
from ops.log_queries import QUERIES, LogQueryError, ask_logs
from ops.prerequisites import prerequisites_hold
from ops.previewing import PreviewError
from ops.proof.command import prove as prove_rows
from ops.proof.mutants import ProofDataError, Tier
from ops.proof.scratch import ScratchError
from ops.proof.workers import WorkerError
from ops.pull_request import check_pull_request
from ops.release.command import make_plan, make_release, make_rollback, promote
from ops.release.proposal import propose_release
from ops.release.record import RecordError
from ops.report.command import DEFAULT_FILE, chosen, pull_request_of, write_comment
from ops.report.command import report as report_on
from ops.report.events import ReportError
from ops.report.publishing import PublishingError
from ops.report.secrets import without_secrets
from ops.requirements import RequirementsError, review
from ops.rotation import Step
from ops.sessions import CLIENT, SECONDS, TokenError, token_of
from ops.stack_files import read
from ops.target import EngineMissingError, embedded
from ops.target import chosen as target_of

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_MACHINE = 3
EXIT_PUBLISHING = 4
EXIT_INTERRUPTED = 130

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
Stack = Annotated[str, typer.Option("--stack", "-s", help="stack: local, dev, staging or prod")]
Real = Annotated[bool, typer.Option("--real", help="the real cloud, by the credentials of the environment")]
Json = Annotated[bool, typer.Option("--json", help="print JSON for machines")]


@app.command()
def up(
    stack: Stack = "local",
    refresh: Annotated[
        bool, typer.Option(help="read the cloud first, so that changes made by hand are undone")
    ] = False,
) -> None:
    """Deploy a stack onto the embedded cloud and wait until it answers."""
    deployment.up(stack, Report(), refresh=refresh)


@app.command()
def dev(stack: Stack = "local") -> None:
    """Follow edits of the application in a running stack, with the logs of all pods; brings it up first."""
    development.dev(stack, Report())


@app.command()
def tools() -> None:
    """Fetch or build every tool that this machine lacks, those of the tests too."""
    report = Report()
    origin.ensure_all(report.step)
    report.step("every tool is there")


@app.command()
def preview(
    stack: Stack = "local", diff: Annotated[bool, typer.Option(help="show every changed property")] = False
) -> None:
    """Show what `up` would change, with the policy pack."""
    deployment.preview(stack, Report(), diff=diff)


@app.command()
def refresh(stack: Stack = "local") -> None:
    """Read every resource of a running stack back into its state."""
    deployment.refresh(stack, Report())


@app.command()
def rotate(
    stack: Stack = "local",
    write: Annotated[Step | None, typer.Option(help="write one step into the stack file and deploy nothing")] = None,
) -> None:
    """Renew the passwords of a stack's stores without downtime."""
    if write is None:
        rotation.rotate(stack, Report())
    else:
        rotation.write(stack, write, Report())


@app.command()
def down(
    stack: Annotated[str | None, typer.Option("--stack", "-s", help="one stack; all when left out")] = None,
    ordered: Annotated[bool, typer.Option(help="destroy every resource first, as on a real cloud")] = False,
) -> None:
    """Stop a stack's processes and remove its state."""
    deployment.down(stack, Report(), ordered=ordered)


@app.command()
def status(json: Json = False) -> None:
    """Show the running stacks, their processes and addresses."""
    reporting.status(Report(), as_json=json)


@app.command()
def doctor(json: Json = False) -> None:
    """List each tool with its version and origin, and the fix for a missing one."""
    if not doctoring.doctor(Report(), as_json=json):
        raise typer.Exit(EXIT_MACHINE)


@app.command()
def check(stack: Annotated[str | None, typer.Argument(help="one stack; all when left out")] = None) -> None:
    """Check stack files without deploying anything."""
    deployment.check(stack, Report())


@app.command()
def generate(
    check: Annotated[bool, typer.Option("--check", help="only compare; 1 when a file differs")] = False,
) -> None:
    """Write the files that are made from the code: schema and page of the settings, configurations of the policies."""
    if not generate_files(CHECKOUT, Report(), check=check):
        raise typer.Exit(EXIT_FAILED)


@app.command(name="report")
def report_(
    preview: Annotated[list[str], typer.Option("--preview", help="stack=file of streaming JSON; may be repeated")],
    output: Annotated[Path, typer.Option(help="file of the comment")] = DEFAULT_FILE,
    pull_request: Annotated[str, typer.Option(help="owner/name#number; its token is GITHUB_TOKEN")] = "",
) -> None:
    """Turn previews into one comment of a pull request; 1 when the check fails, 4 when it cannot be published."""
    where = pull_request_of(pull_request, os.environ) if pull_request else None
    if not report_on(CHECKOUT, chosen(preview), output, where, Report()):
        raise typer.Exit(EXIT_FAILED)


@app.command()
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
        found = find_drift(target_of(stack, report, os.environ, on_real=False), report)
    if issue_in:
        tell_drift(stack, found, issue_in, os.environ)
    if found:
        raise typer.Exit(EXIT_FAILED)


def _real_clusters_hold(stack: str) -> bool:
    """Reports on nodes and prerequisites of every region, both in any case."""
    settings, report = read(CHECKOUT, stack), Report()
    nodes = clusters_hold(settings, report)
    return prerequisites_hold(settings, report) and nodes


@app.command()
def plan(stack: Stack = "local", real: Real = False) -> None:
    """Make the plan that a release applies, and the comment that shows it; 1 when something stops it."""
    if real and not _real_clusters_hold(stack):
        raise typer.Exit(EXIT_FAILED)
    if not make_plan(target_of(stack, Report(), os.environ, on_real=real), os.environ, Report()):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def clusters(stack: Stack = "prod") -> None:
    """Check that the real clusters meet the minimums in the stack file; 1 when one does not."""
    if not _real_clusters_hold(stack):
        raise typer.Exit(EXIT_FAILED)


Address = Annotated[str, typer.Option(help="address of the service; every region's own if left out")]


def _addresses(stack: str, address: str, *, on_real: bool) -> dict[str, str]:
    return {"given": address} if address else deployment.addresses_of(stack, on_real=on_real)


@app.command()
def release(
    stack: Stack = "local",
    real: Real = False,
    address: Address = "",
    back_to: Annotated[str, typer.Option(help="commit to go back to; the one that the stack records if left out")] = "",
) -> None:
    """Apply the plan, test, watch, roll back on a failure, and notify Slack either way."""
    target = target_of(stack, Report(), os.environ, on_real=real)
    if not make_release(target, _addresses(stack, address, on_real=real), back_to, os.environ, Report()):
        raise typer.Exit(EXIT_FAILED)


@app.command()
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
    target = target_of(stack, Report(), os.environ, on_real=real)
    if not make_rollback(target, _addresses(stack, address, on_real=real), to, image, os.environ, Report()):
        raise typer.Exit(EXIT_FAILED)


@app.command(name="push")
def push_(image: Annotated[str, typer.Argument(help="ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG")]) -> None:
    """Push the application's image, wait for the registry's scan, and write its digest to reports/image.txt."""
    push(image, os.environ, Report())


@app.command(name="promote")
def promote_() -> None:
    """Write the digest that staging runs to reports/image.txt, for production; 1 when staging runs other files."""
    promote(os.environ, Report())


@app.command()
def kubeconfig(
    stack: Stack = "prod",
    file: Annotated[Path, typer.Option(help="written anew; never the user's own")] = Path("reports/kubeconfig"),
) -> None:
    """Write the contexts of a stack's EKS clusters, for a machine that has none; the AWS CLI gives them a token."""
    write_kubeconfig(read(CHECKOUT, stack), file, Report())


@app.command()
def token(
    stack: Stack = "local",
    real: Real = False,
    client: Annotated[str, typer.Option(help="client of the session")] = CLIENT,
    seconds: Annotated[int, typer.Option(min=60, max=86_400, help="lifetime of the session, seconds")] = SECONDS,
) -> None:
    """Print a session for trying a running stack whose API asks for a key: Authorization: Bearer TOKEN."""
    where = target_of(stack, Report(), os.environ, on_real=True) if real else embedded(deployment.running(stack))
    Report().line(token_of(where, client, seconds))


@app.command()
def explain(
    resource: Annotated[str, typer.Argument(help="URN, or the name of exactly one resource")],
    stack: Stack = "local",
    real: Real = False,
    as_json: Json = False,
) -> None:
    """Explain the policy pack's verdict on one resource of a running stack: each rule that reads it, the result, and
    why.
    """
    where = target_of(stack, Report(), os.environ, on_real=True) if real else embedded(deployment.running(stack))
    explain_resource(CHECKOUT, where, resource, Report(), as_json=as_json)


@app.command()
def propose(repository: Annotated[str, typer.Option(help="owner/name; its token is GITHUB_TOKEN")]) -> None:
    """Open the pull request of the weekly release, develop to main, with the checklist; once while one is open."""
    Report().line(propose_release(CHECKOUT, repository, os.environ))


@app.command()
def comment(
    folder: Annotated[Path, typer.Argument(help="with a report.json in each folder below, preview-STACK")],
    repository: Annotated[str, typer.Option(help="owner/name; its token is GITHUB_TOKEN")],
) -> None:
    """Write one comment from the data that previews left, in the place of the one before; 4 if it cannot be published.

    The pull request is the open one whose head is HEAD_OWNER, HEAD_BRANCH, HEAD_COMMIT: what the platform says.
    """
    write_comment(CHECKOUT, folder, repository, os.environ, Report())


@app.command(name="pr-check")
def pr_check(
    base: Annotated[str, typer.Option(help="commit the pull request goes to")] = "origin/main",
    stack: Annotated[list[str] | None, typer.Option("--stack", "-s", help="one stack; all when left out")] = None,
) -> None:
    """Deploy the base onto the embedded cloud, preview this checkout against it, write the comment. No credentials."""
    if not check_pull_request(base, stack or stacks(CHECKOUT), Report()):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def prices(
    write: Annotated[bool, typer.Option("--write", help="write the table; else only show what differs")] = False,
) -> None:
    """Read the prices of ops/cost/prices.yaml again from AWS's public price list; 3 where it cannot be reached."""
    refresh_prices(TABLE, AWS_PRICE_LIST, Report(), write=write)


@app.command()
def logs(
    query: Annotated[str, typer.Argument(help=f"{', '.join(QUERIES)}")],
    files: Annotated[list[Path] | None, typer.Argument(help="of JSON lines; standard input when left out")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Answer a ready question from the service's log lines; 2 for a question or a file that is not there."""
    ask_logs(query, files or [], Report(), as_json=as_json)


@app.command()
def redact() -> None:
    """Redact secrets from engine output on standard input, for an update that does not match its plan."""
    for line in without_secrets(sys.stdin):
        sys.stdout.write(line)


@app.command()
def requirements() -> None:
    """Show which requirements the last test run proved, and write docs/requirements.md."""
    review(CHECKOUT, Report())


@app.command()
def prove(
    row: Annotated[
        list[str] | None, typer.Option(help="a row or a group of generated mutants, any number; all when left out")
    ] = None,
    tier: Annotated[Tier, typer.Option(help="the tests that must notice: fast or engine")] = Tier.FAST,
    json: Json = False,
) -> None:
    """Break the code mutant by mutant: 0 when the rows' tests notice each one, 1 when not, 2 when the data is wrong."""
    if not prove_rows(CHECKOUT, Report(), rows=row or (), tier=tier, as_json=json):
        raise typer.Exit(EXIT_FAILED)


def main() -> None:
    """The console script: known failures become one message and an exit code, anything else a traceback."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except SettingsError as error:
        _fail(str(error), EXIT_USAGE)
    except (TargetError, LogQueryError, ProofDataError) as error:
        _fail(str(error), EXIT_USAGE)
    except PublishingError as error:
        _fail(str(error), EXIT_PUBLISHING)
    except (ToolchainError, CloudError, ClusterError, NoNetworkLeft, PriceListError, EngineMissingError) as error:
        _fail(str(error), EXIT_MACHINE)
    except (
        EngineError,
        RequirementsError,
        ReportError,
        PreviewError,
        CommitError,
        RecordError,
        ExplainError,
        ImageError,
        KubeconfigError,
        TokenError,
        ScratchError,
        WorkerError,
    ) as error:
        _fail(str(error), EXIT_FAILED)
    except KeyboardInterrupt:
        _fail("interrupted; run the same command again to go on", EXIT_INTERRUPTED)


def _fail(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    sys.exit(code)
