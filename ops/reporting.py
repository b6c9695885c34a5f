"""Status of the running stacks, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

from localcloud.cloudfile import CloudFile
from localcloud.observe import Running, running
from localcloud.paths import state_root
from localcloud.plugins import origins
from ops.console import Report

TOPIC = '{"topic": "rooftop gardens", "content_type": "blog", "keywords": ["bees", "water"], "client_id": "me"}'


def show_deployed(report: Report, stack: str, described: CloudFile, engine_home: Path, *, asks_for_key: bool) -> None:
    """The end of ``up``: what runs where, the address, and what to try."""
    _table(report, stack, described)
    notes = [f"{name}: {origin}" for name, origin in origins(engine_home).items()]
    report.line(f"Providers: {'; '.join(notes)}")
    report.line(
        "Managed stores (RDS, ElastiCache) are answered by local servers; replicas are aliases of their primary."
    )
    url = described.regions[0].url
    report.line()
    report.line("Try:")
    session = ""
    if asks_for_key:
        report.line(f"  TOKEN=$(.venv/bin/contentgen token --stack {stack} --client me)    a session for an hour")
        session = ' -H "authorization: Bearer $TOKEN"'
    report.line(f"  curl -s {url}/generate{session} -H 'content-type: application/json' -d '{TOPIC}'")
    report.line(f"  curl -s {url}/status/JOB_ID{session}")
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
