"""Calls to AWS for one resource: the region it is in, typed answers, errors worth reading."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from localcloud.aws.config import AwsConfig
from localcloud.aws.service_model import refusals
from localcloud.provider.block import Block
from localcloud.provider.resource import AlreadyThere, Created, ProviderError
from localcloud.provider.values import Properties, Value

READ_TIMEOUT = 30
"""Seconds for an answer of the local server; more means that it hangs."""

DESCRIPTION = "Managed by Pulumi"
"""Description that the official provider writes where an API insists on one and the program gives none."""

CONNECTIONS = 32
"""Pooled connections of one client, as many as the provider serves calls at once."""


class AwsRefusal(ProviderError):
    """AWS said no. `code` is AWS's own error code."""

    def __init__(self, service: str, operation: str, code: str, message: str) -> None:
        super().__init__(f"{service} {operation}: {code}: {message}")
        self.code = code


@dataclass
class Clients:
    """One boto3 client per service and region, made on first use: a client costs 50 ms and several megabytes."""

    config: AwsConfig
    _made: dict[tuple[str, str], Callable[[str, Properties], Block]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def caller(self, service: str, region: str) -> Callable[[str, Properties], Block]:
        """The function that calls operations of a service in a region."""
        with self._lock:
            key = (service, region)
            if key not in self._made:
                self._made[key] = self._make(service, region)
            return self._made[key]

    def _make(self, service: str, region: str) -> Callable[[str, Properties], Block]:
        import botocore.config
        import botocore.exceptions
        import botocore.session

        client = botocore.session.Session().create_client(
            service,
            region_name=region,
            endpoint_url=self.config.endpoint(service),
            aws_access_key_id=self.config.access_key,
            aws_secret_access_key=self.config.secret_key,
            config=botocore.config.Config(
                read_timeout=READ_TIMEOUT,
                max_pool_connections=CONNECTIONS,
                s3={"addressing_style": "path"},
                proxies={},
            ),
        )

        def call(operation: str, parameters: Properties) -> Block:
            model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
            wrong = refusals(model.input_shape, parameters)
            if wrong:
                raise ProviderError(
                    f"{service} {operation}: ValidationError: {'; '.join(wrong)} (botocore's service model)"
                )
            try:
                answer = getattr(client, operation)(**parameters)
            except botocore.exceptions.ClientError as error:
                told = error.response["Error"]
                raise AwsRefusal(service, operation, told.get("Code", ""), told.get("Message", "")) from None
            except botocore.exceptions.BotoCoreError as error:
                raise ProviderError(f"{service} {operation} in {region}: {error}") from None
            return Block(_plain_object(answer))

        return call


@dataclass(frozen=True)
class Aws:
    """The way to AWS for one resource."""

    urn: str
    region: str
    clients: Clients

    def call(self, service: str, operation: str, **parameters: Value) -> Block:
        """Call an operation by its Python name. Raises `AwsRefusal` with AWS's code."""
        return self.clients.caller(service, self.region)(operation, parameters)

    def find(self, missing: Collection[str], service: str, operation: str, **parameters: Value) -> Block | None:
        """Call an operation; None when AWS answers with one of the codes that mean the thing is gone."""
        try:
            return self.call(service, operation, **parameters)
        except AwsRefusal as refusal:
            if refusal.code in missing:
                return None
            raise

    def remove(self, missing: Collection[str], service: str, operation: str, **parameters: Value) -> None:
        """Call a delete operation; a thing that is gone already is no error."""
        self.find(missing, service, operation, **parameters)

    def make(self, thing_id: str, taken: Collection[str], service: str, operation: str, **parameters: Value) -> Created:
        """Call a create operation of a thing whose id its name gives; `taken` are the codes for a name in use."""
        try:
            self.call(service, operation, **parameters)
        except AwsRefusal as refusal:
            if refusal.code in taken:
                raise AlreadyThere(thing_id, str(refusal)) from refusal
            raise
        return Created(thing_id)

    def token(self, *parts: str) -> str:
        """An idempotency token: the same for the same resource and parts, so a repeated create is recognised."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, "\n".join((self.urn, *parts))))


def _plain_object(answer: dict[str, object]) -> Properties:
    return {key: _plain(value) for key, value in answer.items() if key != "ResponseMetadata"}


def _plain(value: object) -> Value:
    match value:
        case dict():
            return _plain_object(value)
        case list() | tuple():
            return [_plain(item) for item in value]
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)
