"""The first run on a machine that reaches the release hosts, without the time of its connection: a mirror on the
loopback has what this machine has built, in the layout of the hosts, and ``up`` begins with an empty cache.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from pathlib import Path

import psutil

from localcloud import plugins
from localcloud.toolchain import build, official
from localcloud.toolchain.families import ENGINE, FIRST
from localcloud.toolchain.official import Artefact
from localcloud.toolchain.origin import ensure
from tests.bench.document import Section, machine
from tests.bench.phases import timed
from tests.bench.stacks import CONTENTGEN
from tests.localcloud.release_mirror import Mirror, archive, serving, sha256


def section(root: Path) -> Section:
    ensure(print, FIRST)
    environment = {
        **os.environ,
        "CONTENTGEN_STATE": str(root / "state"),
        "CONTENTGEN_CACHE": str(root / "cache"),
        "CONTENTGEN_TOOLS": "auto",
    }
    with serving() as mirror:
        size = sum(_publish(mirror)) / 1e6
        command = [CONTENTGEN, "up", "--stack", "local"]
        run = {**environment, "CONTENTGEN_RELEASES": mirror.address}
        taken = timed(lambda: subprocess.run(command, check=True, env=run))
        _end_background_build(run["CONTENTGEN_CACHE"])
        subprocess.run([CONTENTGEN, "down", "--stack", "local"], check=True, env=run)
    text = (
        f"`make up` with an empty cache, the virtual environment made, on {machine()}; a mirror on the loopback serves "
        "the programs of this machine's own builds in the layout of the release hosts, the stand-ins take the place of "
        "the plugins for AWS and random, Redis and PgBouncer come from Debian. A connection adds its own time: the "
        "files are as many bytes as are named. Command: `python -m tests.bench first`."
    )
    return Section("First run with release hosts", text, ("fetched", "until the page answers"), (_row(size, taken),))


def _end_background_build(cache: str) -> None:
    """KEDA's, which ``up`` began in that cache: nothing is to be left of this run."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        described = process.info
        if (
            "localcloud.toolchain.later" in (described["cmdline"] or ())
            and (described["environ"] or {}).get("CONTENTGEN_CACHE") == cache
        ):
            for one in (process, *process.children(recursive=True)):
                one.kill()


def _row(megabytes: float, taken: float) -> tuple[str, str]:
    return f"{megabytes:.0f} MB", f"{taken:.0f} s"


def _publish(mirror: Mirror) -> list[int]:
    """Every file that a first answer waits for; the bytes of each."""
    releases = [(official.release(family), build.build_folder(family)) for family in FIRST]
    kubernetes = plugins.PLUGINS[0]
    releases.append((official.plugin(kubernetes.name, kubernetes.version), build.build_folder(ENGINE)))
    digests: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    sizes = []
    for release, built in releases:
        assert release is not None
        for artefact in release.artefacts:
            content = _content(artefact, built)
            sizes.append(len(content))
            _put(mirror, artefact.address, content)
            if artefact.published.startswith(official.GITHUB_API):
                digests[artefact.published].append({"name": artefact.name, "digest": f"sha256:{sha256(content)}"})
            elif artefact.published:
                _put(mirror, artefact.published, f"{sha256(content)}  {artefact.name}\n".encode())
    for address, assets in digests.items():
        _put(mirror, address, json.dumps({"assets": assets}).encode())
    return sizes


def _content(artefact: Artefact, built: Path) -> bytes:
    path = built / artefact.target
    if artefact.member.endswith("/"):
        programs = sorted(one for one in path.iterdir() if not one.name.startswith("pulumi-resource-"))
        return archive({f"{artefact.member}{one.name}": one.read_bytes() for one in programs})
    return archive({artefact.member: path.read_bytes()}) if artefact.member else path.read_bytes()


def _put(mirror: Mirror, address: str, content: bytes) -> None:
    mirror.files[address.removeprefix("https://")] = content
