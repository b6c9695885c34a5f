"""Taking a stack away whose cloud is broken: everything goes all the same, and why is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from localcloud.cloud import Cloud, CloudError
from localcloud.cloudfile import CloudFile
from localcloud.cluster import ClusterError
from localcloud.engine import Engine, EngineError
from localcloud.processes import boot_id
from ops import deployment
from ops.console import Report
from tests.localcloud import pretended

FAULTS = (
    ClusterError("etcd of us-east-1 ended again"),
    CloudError("aws ended while starting"),
    EngineError("pulumi destroy ended with exit code 1"),
    EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
    ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DeleteObjects"),
)


def _deployed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A stack with a state, of which nothing runs."""
    toolchain = pretended.toolchain(folder)
    monkeypatch.setenv("CONTENTGEN_STATE", str(folder / "state"))
    monkeypatch.setattr(deployment, "ensure", lambda *_: toolchain)
    cloud = Cloud("local", toolchain)
    checkpoint = Engine("local", cloud.folder, cloud.file, toolchain).checkpoint
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    CloudFile(
        stack="local", folder=str(cloud.folder), aws_endpoint="http://127.0.0.1:1", regions=(), kubeconfigs={}
    ).write(cloud.file)
    return cloud


def test_down_asks_no_engine_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("the engine was asked, or the cloud started")

    cloud = _deployed(tmp_path, monkeypatch)
    for owner, name in ((Cloud, "up"), (Engine, "run"), (Engine, "quietly")):
        monkeypatch.setattr(owner, name, unwanted)
    deployment.down("local", Report())
    assert not cloud.folder.exists()


@pytest.mark.parametrize(("boot", "ended"), [(boot_id(), True), ("another-start-of-the-machine", False)])
def test_down_ends_an_engine_that_outlived_its_command_and_no_process_that_has_its_number_now(
    boot: str, ended: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = _deployed(tmp_path, monkeypatch)
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True) as orphan:
        try:
            (cloud.folder / "engine.pid").write_text(f"{orphan.pid} {boot}")
            deployment.down("local", Report())
            assert (orphan.poll() is not None) == ended
        finally:
            orphan.kill()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_a_stack_that_cannot_be_destroyed_in_order_is_taken_away_and_the_reason_said(
    fault: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise fault

    cloud = _deployed(tmp_path, monkeypatch)
    monkeypatch.setattr(Cloud, "up", broken)

    deployment.down("local", Report(), ordered=True)

    assert not cloud.folder.exists()
    assert f"{fault}\n{deployment.BY_FORCE}" in capsys.readouterr().out
