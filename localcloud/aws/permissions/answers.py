"""A refusal as each protocol of AWS writes it (Smithy, "AWS protocols"; Amazon S3 API, "Error responses")."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

FORBIDDEN: Final = "403 Forbidden"
BAD_REQUEST: Final = "400 Bad Request"
JSON_SERVICES: Final = frozenset({"kms", "secretsmanager", "budgets", "cloudtrail", "logs"})
LONGEST_SHORT: Final = 0xFFFF


@dataclass(frozen=True)
class Answer:
    """Status line, headers and body."""

    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def refusal(service: str, code: str, message: str, *, rpc: bool) -> Answer:
    """The answer. ``rpc`` is whether the request came by the protocol rpc-v2-cbor."""
    if rpc:
        body = b"\xa2" + b"".join(_cbor_text(one) for one in ("__type", code, "message", message))
        query_code = ("x-amzn-query-error", f"{code};Sender")
        return _answer(FORBIDDEN, "application/cbor", body, ("smithy-protocol", "rpc-v2-cbor"), query_code)
    if service in JSON_SERVICES:
        return _json(f"{code}Exception", message)
    return _xml(FORBIDDEN, service, "UnauthorizedOperation" if service == "ec2" else code, message)


def mistake(service: str, code: str, message: str) -> Answer:
    """The answer to a request that is allowed and wrong."""
    return _json(code, message) if service in JSON_SERVICES else _xml(BAD_REQUEST, service, code, message)


def _json(code: str, message: str) -> Answer:
    told = json.dumps({"__type": code, "message": message})
    return _answer(BAD_REQUEST, "application/x-amz-json-1.1", told.encode())


def _xml(status: str, service: str, code: str, message: str) -> Answer:
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    wrapped = {"s3": error, "ec2": f"<Response><Errors>{error}</Errors></Response>"}
    return _answer(status, "text/xml", wrapped.get(service, f"<ErrorResponse>{error}</ErrorResponse>").encode())


def _answer(status: str, kind: str, body: bytes, *more: tuple[str, str]) -> Answer:
    return Answer(status, (("Content-Type", kind), ("Content-Length", str(len(body))), *more), body)


def _cbor_text(text: str) -> bytes:
    """A text of at most 65535 bytes (RFC 8949, major type 3)."""
    raw = text.encode()[:LONGEST_SHORT]
    return b"\x79" + len(raw).to_bytes(2, "big") + raw
