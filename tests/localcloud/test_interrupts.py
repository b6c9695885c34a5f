"""An interrupt of a command while the engine runs: passed on, and never taken for a command that was left to end."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from localcloud.engine import _wait


class Interrupted(subprocess.Popen[bytes]):
    """An engine during which somebody presses the keys once, and that ends with ``code`` all the same."""

    def __init__(self, code: int, first: BaseException | None = None) -> None:
        self._code, self._waits = code, iter([first or KeyboardInterrupt(), None])
        self.signals: list[int] = []

    def wait(self, timeout: float | None = None) -> int:
        self.returncode = self._code
        if interrupt := next(self._waits):
            raise interrupt
        return self._code

    def send_signal(self, sig: int) -> None:
        self.signals.append(sig)

    def __del__(self) -> None:
        """There is no process."""


def test_an_engine_that_was_done_before_it_heeded_an_interrupt_ends_the_command_all_the_same() -> None:
    engine = Interrupted(0)
    with pytest.raises(KeyboardInterrupt):
        _wait(engine, time.monotonic() + 60, lambda: None)
    assert engine.signals == [signal.SIGINT]


def test_an_engine_that_ends_because_of_an_interrupt_gives_its_own_exit_code() -> None:
    engine = Interrupted(255)
    assert _wait(engine, time.monotonic() + 60, lambda: None) == 255
    assert engine.signals == [signal.SIGINT]


def test_an_interrupt_during_a_look_at_the_cloud_leaves_the_engine_its_time_to_end() -> None:
    engine = Interrupted(255, subprocess.TimeoutExpired("pulumi", 2))

    def interrupted() -> None:
        raise KeyboardInterrupt

    assert _wait(engine, time.monotonic() + 60, interrupted) == 255
    assert engine.signals == [signal.SIGINT]
