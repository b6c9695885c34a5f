"""``contentgen``: what an engineer or CI runs. Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 the machine
lacks something, 4 a comment could not be published, 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Final

import typer

from infra.settings.errors import SettingsError
from infra.target import TargetError
from localcloud.cloud import CloudError
from localcloud.cluster import ClusterError
from localcloud.engine import EngineError
from localcloud.networks import NoNetworkLeft
from localcloud.project import ProjectError
from localcloud.proxies import past_proxies
from localcloud.toolchain.compiler import ToolchainError
from ops import exit_codes
from ops.commands import checking, cloud, delivery, making
from ops.commits import CommitError
from ops.cost.refresh import PriceListError
from ops.explaining import ExplainError
from ops.image import ImageError
from ops.kubeconfig import KubeconfigError
from ops.log_queries import LogQueryError
from ops.new_product import NewProductError
from ops.previewing import PreviewError
from ops.proof.mutants import ProofDataError
from ops.proof.scratch import ScratchError
from ops.proof.workers import WorkerError
from ops.release.record import RecordError
from ops.report.events import ReportError
from ops.report.publishing import PublishingError
from ops.requirements import RequirementsError
from ops.sessions import TokenError
from ops.target import EngineMissingError

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
COMMANDS: Final = (
    cloud.up,
    cloud.dev,
    cloud.tools,
    cloud.preview,
    cloud.refresh,
    cloud.rotate,
    cloud.down,
    cloud.status,
    cloud.doctor,
    checking.check,
    checking.generate,
    delivery.report_,
    delivery.drift,
    delivery.plan,
    delivery.clusters,
    delivery.release,
    delivery.rollback,
    delivery.push_,
    delivery.promote_,
    delivery.kubeconfig,
    delivery.stacks_,
    cloud.token,
    checking.explain,
    delivery.propose,
    delivery.updates,
    delivery.vulnerabilities,
    delivery.comment,
    delivery.pr_check,
    checking.prices,
    checking.logs,
    checking.redact,
    checking.requirements,
    checking.prove,
)
"""In the order in which help lists them; a name that shadows an import ends in _, which no command has."""
for _command in COMMANDS:
    app.command(name=_command.__name__.rstrip("_").replace("_", "-"))(_command)
app.add_typer(making.new, name="new")


def main() -> None:
    """The console script: known failures become one message and an exit code, anything else a traceback."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    past_proxies(os.environ)
    try:
        app()
    except SettingsError as error:
        _fail(str(error), exit_codes.USAGE)
    except (ProjectError, TargetError, LogQueryError, ProofDataError, NewProductError) as error:
        _fail(str(error), exit_codes.USAGE)
    except PublishingError as error:
        _fail(str(error), exit_codes.PUBLISHING)
    except (ToolchainError, CloudError, ClusterError, NoNetworkLeft, PriceListError, EngineMissingError) as error:
        _fail(str(error), exit_codes.MACHINE)
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
        _fail(str(error), exit_codes.FAILED)
    except KeyboardInterrupt:
        _fail("interrupted; run the same command again to go on", exit_codes.INTERRUPTED)


def _fail(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    sys.exit(code)
