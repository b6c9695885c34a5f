"""Ingresses: the response headers that each controller's annotations set. Every controller has its own way, and most
have none: then the reason and the way out are said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from policies.modifiers import MIDDLEWARE, Modifier, middleware
from policies.pods import object_name
from policies.reading import Properties, at, items, mapping, mappings, text
from policies.rule import Resource

INGRESS: Final = "kubernetes:networking.k8s.io/v1:Ingress"
INGRESS_CLASS: Final = "kubernetes:networking.k8s.io/v1:IngressClass"
CONFIG_MAP: Final = "kubernetes:core/v1:ConfigMap"
ALB: Final = "alb.ingress.kubernetes.io/"
NGINX: Final = "nginx.ingress.kubernetes.io/"
TRAEFIK: Final = "traefik.ingress.kubernetes.io/router.middlewares"
CONTROLLERS: Final[Mapping[str, str]] = {
    "ingress.k8s.aws/alb": "alb",
    "traefik.io/ingress-controller": "traefik",
    "k8s.io/ingress-nginx": "nginx",
}
"""Controllers whose headers are read, with the word by which their classes are called where none is declared."""
SENT_BY_ALB: Final[Mapping[str, str]] = {
    f"routing.http.response.{name.replace('-', '_')}.header_value": name
    for name in (
        "strict-transport-security",
        "content-security-policy",
        "x-content-type-options",
        "x-frame-options",
    )
}
"""Attributes of a listener that set a header (Elastic Load Balancing, HTTP header modification)."""
SERVER_OF_ALB: Final = "routing.http.response.server.enabled"
GATEWAY_API: Final = "route by the Gateway API, or have the application send it and exempt this route"
_STATEMENT: Final = re.compile(r"(\w+)((?:\s+(?:\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[^\s;\"'{}]+))*)\s*;")
_WORD: Final = re.compile(r"\"((?:\\.|[^\"\\])*)\"|'((?:\\.|[^'\\])*)'|([^\s;\"'{}]+)")


@dataclass(frozen=True)
class Shown:
    """Headers of an Ingress as far as it shows them: modifiers in the order of the answer, what cannot be read, and the
    headers that its controller is able to change; None for all.
    """

    modifiers: Sequence[Modifier] = ()
    unseen: Sequence[str] = ()
    able: frozenset[str] | None = None
    instead: str = ""


def shown(ingress: Resource, resources: Sequence[Resource]) -> Iterator[tuple[str, Shown]]:
    """Each address of an Ingress that answers, with its headers; nothing for one that routes nowhere."""
    spec = mapping(ingress.properties.get("spec"))
    if not items(spec.get("rules")) and spec.get("defaultBackend") is None:
        return
    class_ = _class(ingress)
    match _controller(ingress, class_, resources):
        case "alb":
            yield from _of_alb(ingress, resources)
        case "traefik":
            yield "the Ingress", _of_traefik(ingress, resources)
        case "nginx":
            yield "the Ingress", _of_nginx(ingress, resources)
        case _:
            why = f"the class {class_ or 'is absent and'} shows no headers that can be read; {GATEWAY_API}"
            yield "the Ingress", Shown(unseen=[why])


def _class(ingress: Resource) -> str:
    annotations = _annotations(ingress)
    return text(at(ingress.properties, "spec", "ingressClassName")) or text(
        annotations.get("kubernetes.io/ingress.class")
    )


def _controller(ingress: Resource, class_: str, resources: Sequence[Resource]) -> str:
    """By the class that the stack declares, else by its name."""
    for one in resources:
        if one.type == INGRESS_CLASS and (one.provider, object_name(one)) == (ingress.provider, class_):
            return CONTROLLERS.get(text(at(one.properties, "spec", "controller")), "")
    words = re.split(r"[-_.]", class_)
    return next((one for one in CONTROLLERS.values() if one in words), "")


def _annotations(resource: Resource) -> Properties:
    return mapping(at(resource.properties, "metadata", "annotations"))


def _of_alb(ingress: Resource, resources: Sequence[Resource]) -> Iterator[tuple[str, Shown]]:
    """Each listener. Ingresses of one group share their listeners, and each may state a part of the attributes."""
    group = text(_annotations(ingress).get(f"{ALB}group.name"))
    shared = [
        one
        for one in resources
        if group and one.type == INGRESS and text(_annotations(one).get(f"{ALB}group.name")) == group
    ]
    for listener in _listeners(_annotations(ingress)):
        attributes: dict[str, str] = {}
        for one in shared or [ingress]:
            written = text(_annotations(one).get(f"{ALB}listener-attributes.{listener}"))
            pairs = [pair.partition("=") for pair in written.split(",")]
            attributes |= {key.strip(): value.strip() for key, _, value in pairs if value.strip()}
        sets = {name: attributes[key] for key, name in SENT_BY_ALB.items() if key in attributes}
        removes = frozenset({"server"} if attributes.get(SERVER_OF_ALB, "").lower() == "false" else ())
        able = frozenset({*SENT_BY_ALB.values(), "server"})
        instead = f"a load balancer of AWS has no attribute for it: {GATEWAY_API}"
        yield f"listener {listener}", Shown([Modifier(sets, (), removes)], (), able, instead)


def _listeners(annotations: Properties) -> list[str]:
    """``HTTPS-443``; without the listener that only leads to TLS."""
    tls = any(one == f"{ALB}certificate-arn" for one in annotations)
    try:
        written = json.loads(text(annotations.get(f"{ALB}listen-ports")) or "null")
    except ValueError:
        written = None
    found = [
        (protocol, port) for one in mappings(written) for protocol, port in one.items() if isinstance(port, int)
    ] or [("HTTPS", 443) if tls else ("HTTP", 80)]
    redirected = any(one == f"{ALB}ssl-redirect" for one in annotations)
    return [f"{protocol}-{port}" for protocol, port in found if protocol != "HTTP" or not redirected]


def _of_traefik(ingress: Resource, resources: Sequence[Resource]) -> Shown:
    """Middlewares that the annotation names, ``namespace-name@kubernetescrd``; the first has the last word."""
    names = [one.strip() for one in text(_annotations(ingress).get(TRAEFIK)).split(",") if one.strip()]
    modifiers: list[Modifier] = []
    unseen: list[str] = []
    for name in reversed(names):
        found = middleware(_of_reference(name, ingress, resources), resources)
        if isinstance(found, str):
            unseen.append(found)
        else:
            modifiers += found
    return Shown(modifiers, unseen)


def _of_reference(name: str, ingress: Resource, resources: Sequence[Resource]) -> tuple[str, str, str]:
    """Provider, namespace and name; both of the latter may have hyphens, so what is declared decides."""
    for one in resources:
        there, called = text(at(one.properties, "metadata", "namespace")), object_name(one)
        if (one.type, one.provider) == (MIDDLEWARE, ingress.provider) and name == f"{there}-{called}@kubernetescrd":
            return one.provider, there, called
    return ingress.provider, "", name


def _of_nginx(ingress: Resource, resources: Sequence[Resource]) -> Shown:
    annotations = _annotations(ingress)
    modifiers: list[Modifier] = []
    unseen: list[str] = []
    if custom := text(annotations.get(f"{NGINX}custom-headers")):
        found = _config_map(custom, ingress, resources)
        if found is None:
            unseen.append(
                f"the ConfigMap {custom} is not declared in this stack, so its headers cannot be read; declare it"
            )
        else:
            modifiers.append(Modifier({key.lower(): text(value) for key, value in found.items()}))
    for key in ("server-snippet", "configuration-snippet"):
        snippet = text(annotations.get(f"{NGINX}{key}"))
        if "{" in snippet:
            unseen.append(f"the annotation {NGINX}{key} has a block, whose condition decides; state headers without")
        modifiers += _statements(snippet)
    return Shown(modifiers, unseen)


def _config_map(named: str, ingress: Resource, resources: Sequence[Resource]) -> Properties | None:
    there, _, name = named.rpartition("/")
    there = there or text(at(ingress.properties, "metadata", "namespace"))
    for one in resources:
        place = (one.provider, text(at(one.properties, "metadata", "namespace")), object_name(one))
        if one.type == CONFIG_MAP and place == (ingress.provider, there, name):
            return mapping(one.properties.get("data"))
    return None


def _statements(snippet: str) -> Iterator[Modifier]:
    """``more_set_headers``, ``more_clear_headers`` and ``add_header`` of nginx, each in turn."""
    lines = "\n".join(line for line in snippet.splitlines() if not line.lstrip().startswith("#"))
    for name, rest in _STATEMENT.findall(lines):
        words = [re.sub(r"\\(.)", r"\1", double or single) or bare for double, single, bare in _WORD.findall(rest)]
        # With an option such as -s 404 it is of some answers only.
        if name == "more_set_headers" and not any(one.startswith("-") for one in words):
            pairs = [(key.strip().lower(), value.strip()) for key, _, value in (one.partition(":") for one in words)]
            cleared = frozenset(key for key, value in pairs if not value)
            yield Modifier({key: value for key, value in pairs if value}, (), cleared)
        elif name == "more_clear_headers":
            gone = frozenset(one.lower() for one in words if not one.startswith("-"))
            yield Modifier({}, (), gone)
        elif name == "add_header" and words:
            yield Modifier({}, (words[0],))
