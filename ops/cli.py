"""``contentgen``: what an engineer or CI runs. Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 the machine
lacks something, 130 interrupted.
"""

from __future__ import annotations

import signal
import sys
from typing import Annotated

import typer

from infra.errors import SettingsError
from infra.target import TargetError
from localcloud.cloud import CloudError
from localcloud.cluster import ClusterError
from localcloud.engine import EngineError
from localcloud.paths import CHECKOUT
from localcloud.toolchain.build import ToolchainError
from ops import deployment, doctoring, reporting
from ops.console import Report
from ops.generating import generate as generate_files
from ops.requirements import RequirementsError, review

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_MACHINE = 3
EXIT_INTERRUPTED = 130

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
Stack = Annotated[str, typer.Option("--stack", "-s", help="stack: local, dev, staging or prod")]
Json = Annotated[bool, typer.Option("--json", help="print JSON for machines")]


@app.command()
def up(stack: Stack = "local") -> None:
    """Deploy a stack onto the embedded cloud and wait until it answers."""
    deployment.up(stack, Report())


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
def down(
    stack: Annotated[str | None, typer.Option("--stack", "-s", help="one stack; all when left out")] = None,
) -> None:
    """Destroy a stack and stop everything that was started for it."""
    deployment.down(stack, Report())


@app.command()
def status(json: Json = False) -> None:
    """Show what runs where."""
    reporting.status(Report(), as_json=json)


@app.command()
def doctor(json: Json = False) -> None:
    """Name each tool, its version, where it came from, and the fix for what is missing."""
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


@app.command()
def requirements() -> None:
    """Show which requirements the last test run proved, and write docs/requirements.md."""
    review(CHECKOUT, Report())


def main() -> None:
    """The console script: known failures become one message and an exit code, anything else a traceback."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except SettingsError as error:
        _fail(str(error), EXIT_USAGE)
    except TargetError as error:
        _fail(str(error), EXIT_USAGE)
    except (ToolchainError, CloudError, ClusterError) as error:
        _fail(str(error), EXIT_MACHINE)
    except (EngineError, RequirementsError) as error:
        _fail(str(error), EXIT_FAILED)
    except KeyboardInterrupt:
        _fail("interrupted; run the same command again to go on", EXIT_INTERRUPTED)


def _fail(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    sys.exit(code)
