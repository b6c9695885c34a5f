"""``make bench``: measures on this machine and writes docs/benchmarks.md. Ratios are of one run, against a flat program
that declares the same resources; nothing here passes or fails. ``make bench ONLY=stacks`` measures one section.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ops.checkout import CHECKOUT
from tests.bench import beside, data, document, first_run, pages, products, profiles, scale, stacks
from tests.bench.document import Section

RESULT = CHECKOUT / "docs" / "benchmarks.md"


def _small() -> Section:
    mocked = [sys.executable, "-m", "tests.bench.mocked", "prod"]
    fast = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal", "tests/unit", "tests/policies"]
    rows = (
        ("the program for prod under mocks, imports included", _median(mocked, 3), "python -m tests.bench.mocked prod"),
        ("unit and policy tiers", _median(fast, 1), "make test-fast"),
    )
    return Section("Small things", f"On {document.machine()}.", ("what", "time", "command"), rows)


def _policies() -> Section:
    from tests.policies.bench import rows

    text = f"On {document.machine()}, medians. Command: `python -m tests.policies.bench`."
    return Section("Policy pack", text, ("what", "time"), tuple(rows()))


def _service() -> Section:
    from tests.load.bench import rows

    found = tuple((row.what, row.figure, row.goal or "-", f"`{row.command}`") for row in rows())
    text = f"Client, API, worker, Postgres and Redis on the same {document.machine()}."
    return Section("The service", text, ("what", "figure", "goal", "command"), found)


def _median(command: list[str], runs: int) -> str:
    def once() -> float:
        start = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=CHECKOUT)
        return time.monotonic() - start

    return f"{sorted(once() for _ in range(runs))[runs // 2]:.1f} s"


SECTIONS: dict[str, Callable[[Path], Section]] = {
    "first": first_run.section,
    "stacks": stacks.from_nothing,
    "products": products.section,
    "profiles": profiles.section,
    "locals": stacks.each_product,
    "beside": beside.section,
    "flat": stacks.against_flat,
    "scale": scale.section,
    "small": lambda _: _small(),
    "policies": lambda _: _policies(),
    "service": lambda _: _service(),
    "pages": pages.section,
    "data": data.section,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("only", nargs="*", help=f"sections: {', '.join(SECTIONS)}; all when none is named")
    wanted = parser.parse_args().only or list(SECTIONS)
    if unknown := [name for name in wanted if name not in SECTIONS]:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    root = Path(tempfile.mkdtemp(prefix="contentgen-bench-", dir="/var/tmp"))
    root.chmod(0o755)
    try:
        for name in wanted:
            print(f"measuring: {name}", flush=True)
            section = SECTIONS[name](root)
            document.put(RESULT, section)
            print(section.markdown(), flush=True)
    finally:
        stacks.stop(root)
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
