"""security-headers: every route that reaches a backend sets every security header (requirement Y01)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from pulumi_policy import (
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

from policies.reading import Properties, at, items, mapping, text

ROUTE_TYPES: Final = ("gateway.networking.k8s.io/v1:HTTPRoute", "gateway.networking.k8s.io/v1beta1:HTTPRoute")
MINIMUM_HSTS_SECONDS: Final = 31_536_000


def _transport(value: str) -> bool:
    age = re.search(r"max-age=([0-9]+)", value)
    return age is not None and int(age[1]) >= MINIMUM_HSTS_SECONDS and "includesubdomains" in value.lower()


def _content(value: str) -> bool:
    directives = [directive.split() for directive in value.split(";")]
    anything = any(
        source == "*" or "unsafe-" in source for _, *sources in filter(None, directives) for source in sources
    )
    return ["default-src", "'self'"] in directives and not anything


ALLOWED: Final[Mapping[str, tuple[str, Callable[[str], bool]]]] = MappingProxyType(
    {
        "strict-transport-security": (f"max-age of at least {MINIMUM_HSTS_SECONDS} with includeSubDomains", _transport),
        "x-frame-options": ("DENY, or SAMEORIGIN", lambda value: value.upper() in ("DENY", "SAMEORIGIN")),
        "x-content-type-options": ("nosniff", lambda value: value.lower() == "nosniff"),
        "x-xss-protection": ("1; mode=block, or 0", lambda value: value.replace(" ", "") in ("1;mode=block", "0")),
        "content-security-policy": ("default-src 'self' alone, and nowhere unsafe- or *", _content),
        "referrer-policy": (
            "strict-origin-when-cross-origin, or no-referrer",
            lambda value: value in ("strict-origin-when-cross-origin", "no-referrer"),
        ),
    }
)
"""What each header may be, in words and as a check. These six are required whatever the configuration says."""


def violations(spec: Properties, required: frozenset[str] = frozenset()) -> Iterator[str]:
    """What is wrong with an HTTPRoute's spec. ``required`` are further header names, in lower case."""
    for index, rule in enumerate(items(spec.get("rules"))):
        if not items(mapping(rule).get("backendRefs")):
            continue
        headers = _set_headers(mapping(rule))
        for name in sorted(set(ALLOWED) | required):
            words, allowed = ALLOWED.get(name, ("any value", bool))
            value = headers.get(name)
            if value is None:
                yield f"rules[{index}] does not set the header {name}; allowed: {words}"
            elif not allowed(value):
                yield f"rules[{index}] sets {name} to {value!r}; allowed: {words}"


def _set_headers(rule: Properties) -> dict[str, str]:
    """Headers by ``set`` only: ``add`` would leave a second value beside the application's own.

    Of several for one name the first counts, as the Gateway API has it.
    """
    found: dict[str, str] = {}
    for one in items(rule.get("filters")):
        for header in items(at(mapping(one), "responseHeaderModifier", "set")):
            found.setdefault(text(mapping(header).get("name")).lower(), text(mapping(header).get("value")))
    return found


def _validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type.removeprefix("kubernetes:") not in ROUTE_TYPES:
        return
    required = frozenset(name.lower() for name in mapping(args.get_config().get("headers")))
    spec = mapping(args.props.get("spec"))
    if not items(spec.get("rules")):
        report(f"{args.name}: the route has no rules, so it sets no security header", None)
    for violation in violations(spec, required):
        report(f"{args.name}: {violation}", None)


SECURITY_HEADERS_RULE: Final = ResourceValidationPolicy(
    name="security-headers",
    description="Every public route sets every security header with a safe value.",
    severity=Severity.CRITICAL,
    remediation_steps="Set the header in the route's ResponseHeaderModifier; infra/headers.py holds the values.",
    config_schema=PolicyConfigSchema(
        properties={"headers": {"type": "object", "additionalProperties": {"type": "string"}, "default": {}}}
    ),
    validate=_validate,
)
