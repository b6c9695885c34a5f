"""Rules of cross-origin access: origins in settings, on routes, of buckets and functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from policies.pods import POD_TYPES, containers
from policies.reading import Properties, Value, at, later, mapping, mappings, text, texts
from policies.routes import HTTP_ROUTE, filters, rules_of
from policies.rule import Break, Resource, ResourceRule
from policies.tunables import Kind, Settings, Tunable

CONFIG_MAP: Final = "kubernetes:core/v1:ConfigMap"
EDGE_POLICY: Final = "kubernetes:gateway.envoyproxy.io/v1alpha1:SecurityPolicy"
FUNCTION_URL: Final = "aws:lambda/functionUrl:FunctionUrl"
BUCKET_CORS: Final = "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration"
READING: Final = ("GET", "HEAD")
"""Methods by which any page may read what a bucket shows anyway."""


def _origins(resource: Resource, settings: Settings) -> Iterator[str]:
    for where, origin in _allowed(resource, settings.text("key")):
        if origin and (not origin.startswith("https://") or "*" in origin):
            yield f"{where} allows {origin!r}; allowed are addresses that begin with https://, without *"


def _allowed(resource: Resource, key: str) -> Iterator[tuple[str, str]]:
    """Each origin that a resource allows, with its place."""
    properties = resource.properties
    if resource.type == CONFIG_MAP:
        yield from _listed(f"data.{key}", at(properties, "data", key))
    elif resource.type in POD_TYPES:
        for name, variable in ((name, one) for name, container in containers(resource) for one in _env(container)):
            if variable.get("name") == key:
                yield from _listed(f"{name}: env {key}", later(variable, "value"))
    elif resource.type == HTTP_ROUTE:
        for index, one in ((index, one) for index, rule in enumerate(rules_of(resource)) for one in filters(rule)):
            yield from _each(f"rules[{index}].filters.cors.allowOrigins", at(one, "cors", "allowOrigins"))
    elif resource.type == EDGE_POLICY:
        yield from _each("spec.cors.allowOrigins", at(properties, "spec", "cors", "allowOrigins"))
    elif resource.type == FUNCTION_URL:
        yield from _each("cors.allowOrigins", at(properties, "cors", "allowOrigins"))
    else:
        for index, rule in enumerate(mappings(mapping(properties).get("corsRules"))):
            if not set(texts(rule.get("allowedMethods"))) <= set(READING):
                yield from _each(f"corsRules[{index}].allowedOrigins", rule.get("allowedOrigins"))


def _env(container: Properties) -> list[Properties]:
    return mappings(container.get("env"))


def _listed(where: str, value: Value) -> Iterator[tuple[str, str]]:
    return ((where, one.strip()) for one in text(value).split(","))


def _each(where: str, value: Value) -> Iterator[tuple[str, str]]:
    return ((where, one.strip()) for one in texts(value))


KNOWN_ORIGINS: Final = ResourceRule(
    id="HDR-09",
    name="known-origins",
    severity=Severity.HIGH,
    says="Other sites may call the API only from listed https addresses.",
    why="With * any page that a user visits may act in the user's name.",
    fix="List the origins, each beginning with https://.",
    source="OWASP, cross-origin resource sharing",
    types=(CONFIG_MAP, *POD_TYPES, HTTP_ROUTE, EDGE_POLICY, FUNCTION_URL, BUCKET_CORS),
    of_parts=True,
    check=_origins,
    tunables=(
        Tunable(
            "key",
            Kind.TEXT,
            "CORS_ORIGINS",
            "setting of a program, in a config map or a variable, that lists the origins",
        ),
    ),
    breaks=(
        Break("config", "/data/CORS_ORIGINS", "*"),
        Break("config", "/data/CORS_ORIGINS", "https://shop.example.com,http://shop.example.com"),
    ),
)

AREA: Final = "Edge"
RULES: Final = (KNOWN_ORIGINS,)
