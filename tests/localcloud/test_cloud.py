"""Requirements of an embedded cloud on a machine, reported before it starts anything."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from localcloud import cloud, processes
from localcloud.cloud import MINIMUM_FREE_BYTES, Cloud, CloudError
from localcloud.servers import ServerError
from tests.localcloud import pretended


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    """Starts a cloud whose every start of a process is a failure of the test."""

    def spawn(*_: object) -> None:
        raise AssertionError("something was started")

    monkeypatch.setenv("CONTENTGEN_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(processes, "spawn", spawn)
    monkeypatch.setattr(cloud.Cluster, "up", spawn)
    return lambda: Cloud("local", pretended.toolchain(tmp_path)).up(["us-east-1"], lambda _: None)


def test_a_disk_with_too_little_room_is_told_with_the_folder_and_the_fix(
    up: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2**40, 2**40, MINIMUM_FREE_BYTES - 1))
    with pytest.raises(CloudError, match="set CONTENTGEN_STATE to a folder elsewhere") as told:
        up()
    assert str(tmp_path / "state") in str(told.value)


def test_a_server_that_cannot_be_had_is_told_before_any_pod_waits_for_it(
    up: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud.pgbouncer, "origin", _not_here)
    with pytest.raises(CloudError, match="install the package pgbouncer"):
        up()


def _not_here() -> None:
    raise ServerError("pgbouncer is neither on PATH nor to be had by apt-get; install the package pgbouncer")
