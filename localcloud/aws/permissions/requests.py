"""A signed HTTP request to AWS read back into service, operation and parameters, by botocore's service models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, unquote

import botocore.session
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import BaseCBORParser

CREDENTIAL: Final = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
MODEL_NAMES: Final = {"monitoring": "cloudwatch"}
"""Service names of a signature that are not those of the models."""
TAGS: Final = ("Tag", "ResourceTags")
"""Prefixes of the parameters that hold the tags of what is created."""
GLOBAL_REGION: Final = "us-east-1"


class UnreadableRequest(Exception):
    """A request that no operation of its service's model fits: it is refused, because its permission is unknown."""


@dataclass(frozen=True)
class Signature:
    """Signature of a request: its access key, region and service."""

    key: str
    region: str
    service: str

    @property
    def prefix(self) -> str:
        """The service's prefix in IAM actions."""
        return MODEL_NAMES.get(self.service, self.service)


@dataclass(frozen=True)
class Request:
    """An operation with what its permissions depend on.

    parameters: members of the input that are texts, by name.
    tagged: whether it brings tags.
    headers: headers by lower-case name.
    body: only of services whose parameters are in it.
    """

    service: str
    region: str
    operation: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    body: str = ""
    tagged: bool = False


def signature(headers: Mapping[str, str], query: str) -> Signature | None:
    """The signature in the header Authorization, or that of a presigned address; None for an unsigned request."""
    text = headers.get("authorization", "")
    if "Credential=" not in text:
        given = dict(parse_qsl(query)).get("X-Amz-Credential", "")
        text = f"Credential={given}"
    found = CREDENTIAL.search(text)
    return Signature(found["key"], found["region"], found["service"]) if found else None


def read(signed: Signature, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Request:
    """The request. Raises UnreadableRequest when no operation fits."""
    name, given = _operation(signed, method, path, query, headers, body)
    text = body.decode(errors="replace") if signed.service == "route53" else ""
    parameters = {key: value for key, value in given.items() if isinstance(value, str)}
    tagged = any(key.startswith(TAGS) and value for key, value in given.items())
    return Request(signed.prefix, signed.region or GLOBAL_REGION, name, parameters, headers, text, tagged)


def form(body: bytes) -> dict[str, str]:
    """The parameters of the query protocol."""
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def _operation(
    signed: Signature, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[str, Mapping[str, object]]:
    target = headers.get("x-amz-target")
    if target is not None:
        return target.rpartition(".")[2], _object(json.loads(body or b"{}"))
    if "/operation/" in path:
        return path.rpartition("/")[2], _object(_cbor(body))
    given = form(body) if headers.get("content-type", "").startswith("application/x-www-form") else {}
    if "Action" in given:
        return given["Action"], given
    return _rest(signed, method, path, query, headers)


def _rest(
    signed: Signature, method: str, path: str, query: str, headers: Mapping[str, str]
) -> tuple[str, Mapping[str, str]]:
    given = dict(parse_qsl(query, keep_blank_values=True))
    best: tuple[int, str, Mapping[str, str]] | None = None
    for route in _routes(signed.prefix):
        found = route.pattern.fullmatch(path) if route.method == method else None
        if found is None or not route.asks <= given.keys() or not route.headers <= headers.keys():
            continue
        score = len(route.asks) + len(route.headers)
        if best is None or score > best[0]:
            named = {name: unquote(value) for name, value in found.groupdict().items() if value}
            best = (score, route.operation, {**given, **named})
    if best is None:
        raise UnreadableRequest(f"{signed.service} has no operation for {method} {path}?{query}")
    return best[1], best[2]


@dataclass(frozen=True)
class _Route:
    operation: str
    method: str
    pattern: re.Pattern[str]
    asks: frozenset[str]
    """Names that the query must have."""
    headers: frozenset[str]


@lru_cache(maxsize=8)
def _routes(service: str) -> Sequence[_Route]:
    return tuple(_routes_of(botocore.session.Session().get_service_model(service)))


def _routes_of(model: ServiceModel) -> Iterator[_Route]:
    for name in model.operation_names:
        operation = model.operation_model(name)
        if operation.deprecated:
            continue
        uri, _, query = operation.http["requestUri"].partition("?")
        pattern = re.sub(r"\\\{(\w+)(\\\+)?\\\}", lambda one: _group(one[1], whole=bool(one[2])), re.escape(uri))
        asks = {one.partition("=")[0] for one in query.split("&") if one} | _needed(operation, "querystring")
        headers = frozenset(one.lower() for one in _needed(operation, "header"))
        yield _Route(name, operation.http["method"], re.compile(f"{pattern}/?"), frozenset(asks), headers)


def _group(name: str, *, whole: bool) -> str:
    return f"(?P<{name}>.+)" if whole else f"(?P<{name}>[^/]+)"


def _needed(operation: OperationModel, location: str) -> frozenset[str]:
    shape = operation.input_shape
    if shape is None:
        return frozenset()
    placed = (shape.members[name].serialization for name in shape.required_members)
    return frozenset(one["name"] for one in placed if one.get("location") == location)


def _cbor(body: bytes) -> object:
    return _CBOR.parse_data_item(_CBOR.get_peekable_stream_from_bytes(body)) if body else {}


_CBOR: Final = BaseCBORParser()


def _object(found: object) -> Mapping[str, object]:
    return found if isinstance(found, dict) else {}
