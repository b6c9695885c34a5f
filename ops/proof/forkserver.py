"""Runs pytest in forks of a process that has imported the libraries already; a program of its own.

Importing the cloud SDKs takes longer than most tests. This process imports what is installed and nothing of the
project, then forks a child for each request, which alone sees the scratch copy that the request names. One request
and one answer a line, both JSON; ``ops.proof.workers`` is the other end.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import sysconfig
import time
import warnings
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TypedDict

import psutil
import pytest

MARKER = "requirement"
LAST_LINES = 4000
LATE = ("pulumi_aws",)
"""Packages that the project imports class by class (docs/decisions/lean-imports.md), so never imported before it."""


class Request(TypedDict):
    """One run of pytest."""

    folder: str
    """Scratch copy, where the tests run."""
    hide: str
    """Checkout, whose modules must not be found."""
    answer: str
    """File that the child writes."""
    arguments: list[str]
    rows: list[str] | None
    """Rows of the wanted tests; None for all tests."""
    only: str | None
    """Node id of the only wanted test."""
    first: list[str]
    """Names; tests with a case named after one are run first."""
    seconds: float
    """Time after which the run is ended."""


class Recorder:
    """A pytest plugin that picks tests by their rows, orders them, and keeps how each one ended."""

    def __init__(self, rows: list[str] | None, only: str | None, first: list[str]) -> None:
        self._rows = rows
        self._only = only
        self._first = first
        self.carried: dict[str, list[str]] = {}
        self.ends: list[dict[str, object]] = []
        self.uncollected: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """The wanted tests only, the likeliest to fail first."""
        wanted = [item for item in items if self._wants(item)]
        kept = set(map(id, wanted))
        config.hook.pytest_deselected(items=[item for item in items if id(item) not in kept])
        items[:] = sorted(wanted, key=lambda item: not any(f"[{name}" in item.nodeid for name in self._first))
        self.carried = {item.nodeid: _rows(item) for item in items}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Result of a test's phase, and the exception that ended it."""
        report = yield
        raised = call.excinfo.typename if report.failed and call.excinfo else ""
        end = {"test": item.nodeid, "when": report.when, "outcome": report.outcome}
        self.ends.append({**end, "seconds": report.duration, "raised": raised})
        return report

    def _wants(self, item: pytest.Item) -> bool:
        carries = self._rows is None or bool(set(self._rows) & set(_rows(item)))
        return item.nodeid == self._only if self._only else carries

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Files that could not be imported."""
        if report.failed:
            self.uncollected.append(report.nodeid)


def _rows(item: pytest.Item) -> list[str]:
    return [row for marker in item.iter_markers(MARKER) for row in marker.args]


def _child(request: Request, answer: Path) -> int:
    folder = request["folder"]
    os.setsid()
    os.chdir(folder)
    sys.path[:] = [folder, *(path for path in sys.path if Path(path) != Path(request["hide"]))]
    os.environ["PYTHONPATH"] = folder
    recorder = Recorder(request["rows"], request["only"], request["first"])
    code = pytest.main(["-p", "no:cacheprovider", *request["arguments"]], plugins=[recorder])
    found = {"exit": int(code), "carried": recorder.carried, "ends": recorder.ends, "uncollected": recorder.uncollected}
    answer.write_text(json.dumps({**found, "modules": _installed()}))
    return 0


def _installed() -> list[str]:
    """Imported modules that are not the project's."""
    places = tuple(sysconfig.get_paths()[name] for name in ("purelib", "platlib"))
    return [
        name
        for name, module in list(sys.modules.items())
        if str(getattr(getattr(module, "__spec__", None), "origin", "")).startswith(places)
    ]


def _run(request: Request) -> Mapping[str, object]:
    answer, log = Path(request["answer"]), Path(request["answer"]).with_suffix(".log")
    answer.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        code = 1
        with log.open("wb") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            with contextlib.suppress(BaseException):
                code = _child(request, answer)
            sys.stdout.flush()
            os._exit(code)
    late = not _ended(child, request["seconds"])
    _stop(child)
    text = log.read_text(errors="replace")[-LAST_LINES:]
    if answer.exists() and not late:
        return {**json.loads(answer.read_text()), "late": False, "text": text}
    return {"exit": None, "carried": {}, "ends": [], "uncollected": [], "modules": [], "late": late, "text": text}


def _ended(child: int, seconds: float) -> bool:
    deadline, pause = time.monotonic() + seconds, 0.005
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return False


def _stop(child: int) -> None:
    """End what the child left behind; servers of its tests stand in its session."""
    with contextlib.suppress(psutil.NoSuchProcess, ChildProcessError):
        for process in psutil.Process(child).children(recursive=True):
            process.kill()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _preload(names: list[str]) -> None:
    """Import what tests were seen to import; a module that cannot be imported alone is left to them."""
    for name in names:
        # A generated SDK's module has the name of its class, which its package must go on to show.
        if name.startswith(LATE) or name.rpartition(".")[2][:1].isupper():
            continue
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def main() -> None:
    """Answer one request a line until standard input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        if "preload" in request:
            _preload(request["preload"])
            answer: Mapping[str, object] = {}
        else:
            answer = _run(request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
