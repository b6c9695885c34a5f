"""The AWS identity of a pod, as EKS gives it (aws/amazon-eks-pod-identity-webhook, README): a role named by an
annotation of the service account, and a token of the API server that proves the account to STS.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lightkube import AsyncClient
from lightkube.models.authentication_v1 import TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod, ServiceAccount, ServiceAccountToken

from localcloud.runner.insisting import insist

ROLE_ANNOTATION: Final = "eks.amazonaws.com/role-arn"
AUDIENCE: Final = "sts.amazonaws.com"
TOKEN_SECONDS: Final = 86_400
"""Life of a token, in seconds. It is made anew when a container starts, not while one runs."""
TOKEN_FILE: Final = "aws-web-identity-token"


async def variables(client: AsyncClient, pod: Pod, folder: Path) -> Mapping[str, str]:
    """The variables that the webhook adds to the pod's containers, its token written into ``folder``; none for a
    service account without a role.
    """
    assert pod.metadata is not None
    assert pod.spec is not None
    name, namespace = pod.spec.serviceAccountName or "default", pod.metadata.namespace
    account = await insist(lambda: client.get(ServiceAccount, name, namespace=namespace), f"reading account {name}")
    notes = account.metadata.annotations if account is not None and account.metadata is not None else None
    role = (notes or {}).get(ROLE_ANNOTATION)
    if role is None:
        return {}
    spec = TokenRequestSpec(audiences=[AUDIENCE], expirationSeconds=TOKEN_SECONDS)
    asked = ServiceAccountToken(
        apiVersion="authentication.k8s.io/v1", kind="TokenRequest", spec=spec, metadata=ObjectMeta()
    )
    answer = await insist(lambda: client.create(asked, name, namespace=namespace), f"token of account {name}")
    if answer is None or answer.status is None or answer.status.token is None:
        return {}
    return {"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": str(_written(answer.status.token, folder))}


def _written(token: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / TOKEN_FILE
    file.touch(mode=0o600)
    file.write_text(token)
    return file
