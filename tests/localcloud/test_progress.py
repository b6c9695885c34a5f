"""Progress of a build: a bar on a terminal, a few lines without one."""

from __future__ import annotations

import io
from collections.abc import Callable

from localcloud.toolchain.progress import Progress

PACKAGES = tuple(f"example.com/{number}" for number in range(100))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _clock(step: float) -> Callable[[], float]:
    now = [0.0]

    def tick() -> float:
        now[0] += step
        return now[0]

    return tick


def test_without_a_terminal_each_quarter_is_one_line() -> None:
    said: list[str] = []
    stream = io.StringIO()
    progress = Progress("engine", PACKAGES, (), said.append, stream, _clock(1))
    for package in PACKAGES:
        progress.compiled(package)
    progress.end()
    assert [line.split(" packages")[0] for line in said] == [
        "engine: 25 of 100",
        "engine: 50 of 100",
        "engine: 75 of 100",
        "engine: 100 of 100",
    ]
    assert stream.getvalue() == ""


def test_on_a_terminal_the_bar_says_packages_of_all_and_the_time_left() -> None:
    stream = Terminal()
    progress = Progress("engine", PACKAGES, (), lambda _: None, stream, _clock(10))
    for package in PACKAGES[:50]:
        progress.compiled(package)
    drawn = stream.getvalue().split("\r")[-1]
    assert "############............] engine: 50 of 100 packages compiled, " in drawn
    assert drawn.endswith("min left")
    progress.end()
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_what_a_cut_off_build_had_compiled_counts_and_does_not_shorten_the_time_left() -> None:
    said: list[str] = []
    progress = Progress("engine", PACKAGES, PACKAGES[:70], said.append, io.StringIO(), _clock(0))
    for package in PACKAGES[70:75]:
        progress.compiled(package)
    assert said == ["engine: 75 of 100 packages compiled, 0 s left"]


def test_a_line_of_the_compiler_that_is_no_package_changes_nothing() -> None:
    said: list[str] = []
    progress = Progress("engine", PACKAGES[:1], (), said.append, io.StringIO(), _clock(1))
    progress.compiled("go: downloading example.com/0 v1.0.0")
    assert said == []
    assert progress.text() == "engine: 0 of 1 packages compiled"
