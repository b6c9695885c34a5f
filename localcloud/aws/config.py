"""The configuration of the AWS stand-in, as the engine hands it over: JSON in strings, checked before any call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from localcloud.provider.block import Block
from localcloud.provider.resource import ProviderError
from localcloud.provider.values import Properties, Value

KNOWN = frozenset(
    {
        "region",
        "accessKey",
        "secretKey",
        "token",
        "endpoints",
        "defaultTags",
        "s3UsePathStyle",
        "version",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRequestingAccountId",
        "skipRegionValidation",
    }
)
"""Settings taken; the four `skip...` ones are accepted because nothing is ever validated outside this machine."""

ENDPOINT_NAMES = {"secretsmanager": "secretsmanager", "cloudwatchlogs": "logs"}
"""Services whose endpoint has another name in the provider than in boto3."""


@dataclass(frozen=True)
class AwsConfig:
    """Configuration of the AWS calls: endpoint, region, and the tags that every resource gets from the provider."""

    region: str
    endpoints: Mapping[str, str]
    access_key: str = field(default="test", repr=False)
    secret_key: str = field(default="test", repr=False)
    default_tags: Mapping[str, str] = field(default_factory=dict)

    def endpoint(self, service: str) -> str:
        """The address of one service. Raises `ProviderError` when the provider was given none: never real AWS."""
        if service not in self.endpoints:
            raise ProviderError(
                f"aws provider: endpoints has no {service!r}; it has {', '.join(sorted(self.endpoints))}. "
                f"Every service used needs an explicit loopback endpoint"
            )
        return self.endpoints[service]


def parse(settings: Properties) -> AwsConfig:
    """The typed configuration. Raises `ProviderError` for unknown settings and for endpoints off this machine."""
    given = {name: _decoded(value) for name, value in settings.items()}
    unknown = sorted(set(given) - KNOWN)
    if unknown:
        raise ProviderError(
            f"aws provider: unknown settings {', '.join(unknown)}; the stand-in takes {', '.join(sorted(KNOWN))}"
        )
    block = Block(given)
    region = block.text("region")
    if not region:
        raise ProviderError("aws provider: region is not set; set aws:region or pass region to the provider")
    return AwsConfig(
        region=region,
        endpoints=_endpoints(block),
        access_key=block.text("accessKey", "test"),
        secret_key=block.text("secretKey", "test"),
        default_tags=block.block("defaultTags").texts_by_name("tags"),
    )


def _decoded(value: Value) -> Value:
    """The engine writes every setting that is not text as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        decoded = json.loads(value)
    except json.JSONDecodeError:
        return value
    return decoded if isinstance(decoded, (list, dict, bool)) else value


def _endpoints(block: Block) -> dict[str, str]:
    addresses: dict[str, str] = {}
    for entry in block.blocks("endpoints"):
        addresses |= {
            ENDPOINT_NAMES.get(service, service): entry.text(service) for service in entry if entry.has(service)
        }
    if not addresses:
        raise ProviderError(
            "aws provider: endpoints is not set; the stand-in reaches only loopback endpoints given explicitly"
        )
    for service, address in addresses.items():
        if not is_loopback(address):
            raise ProviderError(
                f"aws provider: endpoints.{service} is {address}; the stand-in only talks to this machine "
                f"(127.0.0.0/8, ::1 or localhost). Use the official plugin for AWS"
            )
    return addresses


def is_loopback(url: str) -> bool:
    """True if an address can only be this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
