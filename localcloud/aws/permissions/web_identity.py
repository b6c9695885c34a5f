"""Role trust for a token of a cluster: the trust policy, evaluated with the token's claims (IAM User Guide, "Available
keys for AWS OIDC federation"; Amazon EKS User Guide, "IAM roles for service accounts").

The signature is not verified: everything that reaches this server is on this machine. Issuer, subject, audience and
expiry are held against the trust policy as AWS holds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import jwt

from localcloud.aws.permissions.documents import Statement
from localcloud.aws.permissions.evaluation import Call, Decision, applies

ACTION: Final = "sts:AssumeRoleWithWebIdentity"


class TokenError(ValueError):
    """A token that says nothing usable; ``code`` is AWS' for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def may_take(token: str, trust: Sequence[Statement], account: str) -> Decision:
    """True if the trust policy lets the token's subject take the role. Raises TokenError for an unusable token."""
    try:
        options = {"verify_signature": False, "verify_exp": True, "verify_aud": False}
        claims = jwt.decode(token, options=options)  # type: ignore[arg-type]
    except jwt.ExpiredSignatureError:
        raise TokenError("ExpiredTokenException", "Token expired") from None
    except jwt.InvalidTokenError as error:
        raise TokenError("InvalidIdentityToken", f"The web identity token is no token: {error}") from None
    issuer = str(claims.get("iss", "")).removeprefix("https://")
    audience = claims.get("aud", ())
    context = {
        f"{issuer}:sub".lower(): (str(claims.get("sub", "")),),
        f"{issuer}:aud".lower(): tuple(audience) if isinstance(audience, list) else (str(audience),),
    }
    provider = ("Federated", f"arn:aws:iam::{account}:oidc-provider/{issuer}")
    call = Call(ACTION, context=context)
    concerned = [one for one in trust if provider in one.principals and applies(one, call)]
    if concerned and all(one.allows for one in concerned):
        return Decision(True)
    return Decision(False, f"Not authorized to perform {ACTION}")
