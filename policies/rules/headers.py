"""Rules of response headers: security headers on every route, and none that discloses the software."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pulumi_policy import Severity

from policies.answers import BROWSED, READ, ROUTED, Answer, answers_of
from policies.routes import HTTP_ROUTE, rules_of
from policies.rule import Break, Judged, Resource, StackRule, Violation, each
from policies.tunables import Kind, Settings, Tunable

SCRIPTS: Final = ("default-src", "object-src", "script-src", "script-src-attr", "script-src-elem", "worker-src")
INLINE: Final = ("font-src", "img-src", "media-src")
"""Directives for which data: and blob: run nothing."""
NAVIGATION: Final = ("base-uri", "form-action", "frame-ancestors")
"""Directives about other pages: default-src does not cover them, so each must name who is meant."""
MINIMUM_HSTS_SECONDS: Final = 31_536_000
SET: Final = "/spec/rules/0/filters/0/responseHeaderModifier"


def _transport(value: str) -> bool:
    """RFC 6797: each directive once, in any order; browsers ignore a header that breaks this."""
    directives = [one.strip().lower() for one in value.split(";") if one.strip()]
    names = [one.partition("=")[0].strip() for one in directives]
    ages = [
        one.partition("=")[2].strip().strip('"') for one in directives if one.partition("=")[0].strip() == "max-age"
    ]
    return (
        len(ages) == 1
        and ages[0].isdigit()
        and int(ages[0]) >= MINIMUM_HSTS_SECONDS
        and "includesubdomains" in directives
        and len(names) == len(set(names))
    )


def _directives(value: str) -> dict[str, list[str]]:
    """The sources of each directive; of several with one name browsers read the first."""
    found: dict[str, list[str]] = {}
    for words in map(str.split, value.split(";")):
        if words:
            found.setdefault(words[0].lower(), words[1:])
    return found


def _content(value: str) -> bool:
    directives = _directives(value)
    return directives.get("default-src") == ["'self'"] and not any(
        _is_loose(name, source.lower()) for name, sources in directives.items() for source in sources
    )


def _is_loose(directive: str, source: str) -> bool:
    """True if a source admits content that any third party may have written."""
    if source in ("*", "http:") or source.startswith(("'unsafe-", "http://*", "https://*", "*:")):
        return True
    if source in ("data:", "blob:", "filesystem:", "https:", "ws:", "wss:"):
        return directive in SCRIPTS or (directive not in INLINE and source == "data:")
    return directive in SCRIPTS and source.startswith("*.")


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
"""Allowed values of each header, in words and as a check. These six are required whatever the configuration says."""


def _judged(
    resources: Sequence[Resource], kinds: Sequence[str], wrong: Callable[[Resource, Answer], Iterator[str]]
) -> Iterator[Judged]:
    """Violations by the answers of routes of these kinds; a route that shows nothing is said to."""

    def judged(route: Resource) -> Iterator[Judged]:
        # Listeners of one route often lack the same.
        said = dict.fromkeys(
            told for one in answers_of(route, resources) for told in (*_unseen(one), *wrong(route, one))
        )
        if route.type == HTTP_ROUTE and not rules_of(route):
            said = {"the route has no rules, so it sets no header": None}
        yield from (Violation(told, route) for told in said)

    yield from each([one for one in resources if one.type in kinds], judged)


def _unseen(answer: Answer) -> Iterator[str]:
    yield from (f"{answer.where}: {why}" for why in answer.unseen)


def _security_headers(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    required = {name.lower() for name in settings.names("headers")}

    def wrong(route: Resource, answer: Answer) -> Iterator[str]:
        for name in sorted(set(ALLOWED) | required):
            words, allowed = ALLOWED.get(name, ("any value", bool))
            value = answer.values.get(name)
            if value is not None and not allowed(value):
                yield f"{answer.where} sets {name} to {value!r}; allowed: {words}"
            elif value is None and route.type in BROWSED and not answer.unseen:
                yield f"{answer.where} does not set the header {name}; allowed: {words}{answer.advice(name)}"

    yield from _judged(resources, ROUTED, wrong)


def _content_policy(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    def wrong(_route: Resource, answer: Answer) -> Iterator[str]:
        if answer.unseen:
            return
        directives = _directives(answer.values.get("content-security-policy", ""))
        for name in settings.texts("directives"):
            if name not in directives:
                yield f"{answer.where}: the content security policy has no {name}; without it that is open"
        for name in NAVIGATION:
            for source in directives.get(name, ()):
                if source in ("*", "http:", "https:", "data:") or "://*" in source:
                    yield f"{answer.where}: {name} allows {source}, which is every page; name the addresses"
        plugins = directives.get("object-src")
        if plugins is not None and [one.lower() for one in plugins] != ["'none'"]:
            yield f"{answer.where}: object-src is {' '.join(plugins)}; allowed is 'none'"

    yield from _judged(resources, BROWSED, wrong)


def _talkative(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    refused = {name.lower() for name in settings.texts("refused")}

    def wrong(_route: Resource, answer: Answer) -> Iterator[str]:
        for name in sorted(refused & set(answer.values)):
            yield f"{answer.where} sets {name}, which browsers ignore or which harms; remove it"
        for name in answer.added:
            yield f"{answer.where} adds {name!r}; with `set` there is one value, with `add` two"
        for name in settings.texts("removed"):
            if not answer.unseen and not answer.lacks(name.lower()):
                told = f"{answer.where} does not remove {name}, which discloses the server's software"
                yield f"{told}{answer.advice(name.lower())}"

    yield from _judged(resources, ROUTED, wrong)


SECURITY_HEADERS: Final = StackRule(
    id="HDR-01, HDR-02",
    name="security-headers",
    severity=Severity.CRITICAL,
    says="Every public route sets every security header with a safe value.",
    why="One route without them is a hole for clickjacking, content sniffing and downgrades to plain HTTP.",
    fix="Set the header in each rule's ResponseHeaderModifier, by `set`; for an Ingress as its controller can.",
    source="OWASP Secure Headers Project; Checkov CKV_AWS_259",
    types=READ,
    check=_security_headers,
    tunables=(
        Tunable(
            "headers", Kind.TEXTS_BY_NAME, {}, "further headers that every route must set, with what they are set to"
        ),
    ),
    breaks=(
        Break("route", "/spec/rules"),
        Break("route", SET),
        Break("route", f"{SET}/set/0/value", "max-age=3600; includeSubDomains"),
        Break("route", f"{SET}/set/1/value", "ALLOWALL"),
        Break("route", f"{SET}/set/2"),
    ),
)

CONTENT_POLICY: Final = StackRule(
    id="HDR-03",
    name="content-policy",
    severity=Severity.HIGH,
    says="The content security policy closes forms, base addresses, plugins and frames too.",
    why="default-src does not cover them: a page may still be framed, or its base address moved.",
    fix="Add the directive to the header's value.",
    source="OWASP Secure Headers Project",
    types=READ,
    check=_content_policy,
    tunables=(
        Tunable(
            "directives",
            Kind.TEXTS,
            ["form-action", "base-uri", "object-src", "frame-ancestors"],
            "directives that the policy must have",
        ),
    ),
    breaks=(
        Break("route", f"{SET}/set/4/value", "default-src 'self'"),
        Break(
            "route",
            f"{SET}/set/4/value",
            "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'self'; frame-ancestors 'none'",
        ),
    ),
)

TALKATIVE_HEADERS: Final = StackRule(
    id="HDR-04, HDR-05",
    name="talkative-headers",
    severity=Severity.MEDIUM,
    says="No header is set twice, none is a dropped one, and none discloses the server's software.",
    why="A second value undoes the first; old headers were used against visitors; a version is a list of exploits.",
    fix="Use `set` instead of `add`, and list the talkative headers under `remove`.",
    source="OWASP Secure Headers Project, headers to remove; Gateway API",
    types=READ,
    check=_talkative,
    tunables=(
        Tunable(
            "refused",
            Kind.TEXTS,
            ["Expect-CT", "Public-Key-Pins", "Feature-Policy", "Pragma"],
            "headers that no route may set",
        ),
        Tunable("removed", Kind.TEXTS, ["Server", "X-Powered-By"], "headers that every route must remove"),
    ),
    breaks=(
        Break("route", f"{SET}/remove", ["Server"]),
        Break("route", f"{SET}/remove"),
        Break("route", f"{SET}/add", [{"name": "X-Frame-Options", "value": "SAMEORIGIN"}]),
        Break("route", f"{SET}/set/6", {"name": "Expect-CT", "value": "max-age=0"}),
    ),
)

AREA: Final = "Headers"
RULES: Final = (SECURITY_HEADERS, CONTENT_POLICY, TALKATIVE_HEADERS)
