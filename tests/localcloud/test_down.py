"""Taking a stack away whose cloud is broken: everything goes all the same, and why is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from localcloud.cloud import Cloud, CloudError
from localcloud.cloudfile import CloudFile
from localcloud.cluster import ClusterError
from localcloud.engine import Engine, EngineError
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


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_a_stack_that_cannot_be_destroyed_in_order_is_taken_away_and_the_reason_said(
    fault: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise fault

    toolchain = pretended.toolchain(tmp_path)
    monkeypatch.setenv("CONTENTGEN_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(deployment, "ensure", lambda *_: toolchain)
    monkeypatch.setattr(Cloud, "up", broken)
    cloud = Cloud("local", toolchain)
    checkpoint = Engine("local", cloud.folder, cloud.file, toolchain).checkpoint
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    described = CloudFile(
        stack="local", folder=str(cloud.folder), aws_endpoint="http://127.0.0.1:1", regions=(), kubeconfigs={}
    )
    described.write(cloud.file)

    deployment.down("local", Report())

    assert not cloud.folder.exists()
    assert f"{fault}\n{deployment.BY_FORCE}" in capsys.readouterr().out
