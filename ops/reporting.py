"""Status of the running stacks, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

from localcloud.cloudfile import CloudFile
from localcloud.observe import Running, running
from localcloud.paths import state_root
from localcloud.plugins import origins
from ops.console import Report
from stacks.plan import StackPlan


def show_deployed(report: Report, plan: StackPlan, described: CloudFile, engine_home: Path) -> None:
    """The end of ``up``: what runs where, the address, and what to try."""
    stack, trial = plan.stack, plan.blueprint.trial
    _table(report, stack, described)
    notes = [f"{name}: {origin}" for name, origin in origins(engine_home).items()]
    report.line(f"Providers: {'; '.join(notes)}")
    report.line(
        "Managed stores (RDS, ElastiCache) are answered by local servers; a replica is another address of its primary."
    )
    url = described.regions[0].url
    report.line()
    report.line("Try:")
    session = ""
    if plan.settings.environment.asks_for_keys:
        report.line(f"  TOKEN=$(.venv/bin/contentgen token --stack {stack} --client me)    a session for an hour")
        session = ' -H "authorization: Bearer $TOKEN"'
    body = trial.body.replace("CLIENT", "me")
    report.line(f"  curl -s {url}{trial.path}{session} -H 'content-type: application/json' -d '{body}'")
    report.line(f"  curl -s {url}{trial.read}{session}    with the {trial.identifier} of the answer as ID")
    report.line(f"  {url}/    the page, in a browser")
    report.line(f"  make status    make down{'' if stack == 'local' else f' STACK={stack}'}")


def status(report: Report, *, as_json: bool) -> None:
    """Every stack of this checkout that has been started."""
    files = sorted(state_root().glob("*/cloud.json"))
    clouds = [CloudFile.read(path) for path in files]
    if as_json:
        found = {cloud.stack: [vars(one) for one in running(cloud)] for cloud in clouds}
        report.json(json.dumps(found, indent=2))
    elif not clouds:
        report.line("nothing is running; start with `make up`")
    else:
        for cloud in clouds:
            _table(report, cloud.stack, cloud)


def _table(report: Report, stack: str, described: CloudFile) -> None:
    rows = [_row(one) for one in running(described)]
    report.table(f"stack {stack}", ("region", "what", "state", "address", "process"), rows)


def _row(one: Running) -> tuple[str, ...]:
    return (one.region, one.what, one.state, one.address, one.process)
