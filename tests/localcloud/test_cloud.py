"""Requirements of an embedded cloud on a machine, reported before it starts anything."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from localcloud import cloud, processes
from localcloud.cloud import MINIMUM_FREE_BYTES, Cloud, CloudError
from localcloud.cloudfile import CloudFile
from localcloud.servers import ServerError
from tests.localcloud import pretended
from tests.serving import served


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


class Earlier(BaseHTTPRequestHandler):
    """Refuses an address that it does not know, as the gate before moto does."""

    def do_GET(self) -> None:
        self.send_error(HTTPStatus.FORBIDDEN)

    def log_message(self, *_: object) -> None:
        """Nothing is said."""


def test_an_aws_endpoint_that_an_earlier_version_started_is_told_with_the_fix(tmp_path: Path) -> None:
    with served(HTTPServer(("127.0.0.1", 0), Earlier)) as server:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        described = CloudFile(stack="local", folder="", aws_endpoint=endpoint, regions=(), kubeconfigs={})
        with pytest.raises(CloudError, match="is of an earlier version; fix: make down, then make up"):
            Cloud("local", pretended.toolchain(tmp_path)).identity(described)


def _not_here() -> None:
    raise ServerError("pgbouncer is neither on PATH nor to be had by apt-get; install the package pgbouncer")
