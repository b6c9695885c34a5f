"""A pod's AWS identity: the role of its service account, and nothing for one without."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from lightkube.models.authentication_v1 import TokenRequestStatus
from lightkube.resources.core_v1 import Pod, ServiceAccount, ServiceAccountToken

from localcloud.runner import web_identity

ROLE = "arn:aws:iam::123456789012:role/backup"


class ApiServer:
    """Answers for one service account and remembers what it was asked for."""

    def __init__(self, annotations: dict[str, str]) -> None:
        self.annotations = annotations
        self.asked: list[tuple[ServiceAccountToken, str, str]] = []

    async def get(self, _: type[ServiceAccount], name: str, *, namespace: str) -> ServiceAccount:
        found = {"metadata": {"name": name, "namespace": namespace, "annotations": self.annotations}}
        return ServiceAccount.from_dict(found)

    async def create(self, asked: ServiceAccountToken, name: str, *, namespace: str) -> object:
        self.asked.append((asked, name, namespace))
        return SimpleNamespace(status=TokenRequestStatus(expirationTimestamp=None, token="a.b.c"))


POD = Pod.from_dict(
    {
        "metadata": {"name": "backup-1", "namespace": "contentgen"},
        "spec": {"containers": [], "serviceAccountName": "backup"},
    }
)


async def test_a_pod_of_an_annotated_account_gets_its_role_and_a_token_for_sts(tmp_path: Path) -> None:
    server = ApiServer({"eks.amazonaws.com/role-arn": ROLE})
    found = await web_identity.variables(server, POD, tmp_path)  # type: ignore[arg-type]
    assert found["AWS_ROLE_ARN"] == ROLE
    assert found["AWS_WEB_IDENTITY_TOKEN_FILE"] == str(tmp_path / "aws-web-identity-token")
    assert _read(tmp_path / "aws-web-identity-token") == ("a.b.c", 0o600)
    ((asked, name, namespace),) = server.asked
    assert (name, namespace) == ("backup", "contentgen")
    assert asked.spec.audiences == ["sts.amazonaws.com"]
    assert asked.spec.expirationSeconds == 86_400


async def test_a_pod_of_an_account_without_a_role_gets_nothing(tmp_path: Path) -> None:
    server = ApiServer({})
    assert await web_identity.variables(server, POD, tmp_path) == {}  # type: ignore[arg-type]
    assert server.asked == []


def _read(file: Path) -> tuple[str, int]:
    return file.read_text(), file.stat().st_mode & 0o777
