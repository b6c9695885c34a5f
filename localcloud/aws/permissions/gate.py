"""The gate before the embedded AWS: every signed request of an identity is evaluated against its policies, and refused
as AWS refuses.

Keys that neither IAM, STS nor this gate knows belong to the account's owner, who needs no policy: tests and the removal
of a stack use them. A request without a signature is refused, except that to take a role by a web identity.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from typing import Final

from localcloud.aws.permissions import answers, web_identity
from localcloud.aws.permissions.answers import Answer
from localcloud.aws.permissions.documents import PolicyError, parse
from localcloud.aws.permissions.evaluation import Call, Caller, Decision, Identity, Policies, decide
from localcloud.aws.permissions.matching import Context
from localcloud.aws.permissions.needs import needs
from localcloud.aws.permissions.requests import Request, UnreadableRequest, form, read, signature
from localcloud.aws.references import broken

MOTO_PATHS: Final = ("/moto-api",)
"""Moto's own, which is no part of AWS."""


class Gate:
    """Decides about requests. ``standing`` are ARN and policy document by access key of identities outside IAM."""

    def __init__(self, standing: Mapping[str, tuple[str, str]]) -> None:
        self._standing = {key: (arn, parse(document)) for key, (arn, document) in standing.items()}
        self._asked: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def asked(self) -> dict[str, list[str]]:
        """The permissions that requests of each identity needed so far, by its role's or user's ARN."""
        with self._lock:
            return {arn: sorted(actions) for arn, actions in self._asked.items()}

    def refusal(self, environ: dict[str, object]) -> Answer | None:
        """The answer to a request that is not allowed; None for one that is."""
        path, query = str(environ.get("PATH_INFO", "")), str(environ.get("QUERY_STRING", ""))
        if path.startswith(MOTO_PATHS):
            return None
        headers = _headers(environ)
        signed = signature(headers, query)
        if signed is None:
            return self._unsigned(environ)
        identity = self._identity(signed.key)
        rpc = "/operation/" in path
        body = b"" if signed.service == "s3" else _body(environ)
        try:
            request = read(signed, str(environ["REQUEST_METHOD"]), path, query, headers, body)
            problem = self._problem(identity, request) if identity is not None else ""
        except (UnreadableRequest, PolicyError) as error:
            return answers.refusal(signed.service, "AccessDenied", str(error), rpc=rpc)
        if problem:
            return answers.refusal(signed.service, "AccessDenied", problem, rpc=rpc)
        return _wrong_reference(request)

    def _identity(self, key: str) -> Identity | None:
        from localcloud.aws import moto_account

        if key in self._standing:
            arn, statements = self._standing[key]
            return Identity(Caller(arn, moto_account.DEFAULT_ACCOUNT_ID, arn), statements)
        return moto_account.identity_of(key)

    def _problem(self, identity: Identity, request: Request) -> str:
        """AWS' words for the first permission that is missing; nothing when none is."""
        from localcloud.aws import moto_account

        caller = identity.caller
        for call in needs(request, caller.account, moto_account.AccountKeys(), _context(caller, request)):
            with self._lock:
                self._asked.setdefault(caller.role, set()).add(call.action)
            decision = self._decision(identity, call)
            if not decision.allowed:
                return (
                    f"User: {caller.arn} is not authorized to perform: {call.action} on resource: {call.resource} "
                    f"{decision.reason}"
                )
        return ""

    def _decision(self, identity: Identity, call: Call) -> Decision:
        from localcloud.aws import moto_account

        policy = moto_account.resource_policy(call.resource)
        decides = policy is not None and call.action.startswith("kms:")
        return decide(call, identity.caller, Policies(identity.statements, policy, decides))

    def _unsigned(self, environ: dict[str, object]) -> Answer | None:
        from localcloud.aws import moto_account

        asked = form(_body(environ))
        if asked.get("Action") != "AssumeRoleWithWebIdentity":
            message = "The request has no signature; fix: send it with the credentials of an identity"
            return answers.refusal("sts", "MissingAuthenticationToken", message, rpc=False)
        role = moto_account.role_of(asked.get("RoleArn", ""))
        trust = parse(role.assume_role_policy_document) if role is not None else ()
        try:
            decision = web_identity.may_take(asked.get("WebIdentityToken", ""), trust, moto_account.DEFAULT_ACCOUNT_ID)
        except web_identity.TokenError as error:
            return answers.refusal("sts", error.code, str(error), rpc=False)
        if decision.allowed:
            return None
        return answers.refusal("sts", "AccessDenied", decision.reason, rpc=False)


def _wrong_reference(request: Request) -> Answer | None:
    """The answer to a request that names what is not there or does not fit."""
    from localcloud.aws import moto_account

    found = broken(request, moto_account.EmbeddedAccount())
    return answers.mistake(request.service, *found) if found is not None else None


def _context(caller: Caller, request: Request) -> Context:
    """Global condition keys (IAM User Guide, "AWS global condition context keys"). Loopback counts as TLS: the traffic
    never leaves the machine.
    """
    return {
        "aws:principalarn": (caller.role,),
        "aws:principalaccount": (caller.account,),
        "aws:requestedregion": (request.region,),
        "aws:securetransport": ("true",),
        "s3:tlsversion": ("1.3",),
    }


def _headers(environ: Mapping[str, object]) -> dict[str, str]:
    named = {
        key.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    return {**named, "content-type": str(environ.get("CONTENT_TYPE", ""))}


def _body(environ: dict[str, object]) -> bytes:
    """The body, which stays readable for who comes after."""
    length = str(environ.get("CONTENT_LENGTH") or "0")
    stream = environ["wsgi.input"]
    body = bytes(stream.read(int(length)))  # type: ignore[attr-defined]
    environ["wsgi.input"] = io.BytesIO(body)
    return body
