"""Network policies (Kubernetes documentation, "Network Policies"; API reference, NetworkPolicySpec).

A connection needs the egress side of its source and the ingress side of its target. A side that no policy selects is
open; one that is selected has what some rule of some of its policies allows, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

Selector = Mapping[str, object]


@dataclass(frozen=True)
class Endpoint:
    """One end of a connection.

    address: IP address.
    namespace: of a pod; empty for what is outside the cluster.
    labels: of a pod.
    ports: numbers of a pod's named ports.
    groups: security groups that AWS sees on it.
    """

    address: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Policy:
    """A NetworkPolicy: its namespace and its spec as the API has it."""

    namespace: str
    spec: Mapping[str, object]

    def selects(self, pod: Endpoint) -> bool:
        """True if it speaks of a pod."""
        return pod.namespace == self.namespace and matches(_mapping(self.spec.get("podSelector")), pod.labels)


def allows(policies: Sequence[Policy], source: Endpoint, target: Endpoint, port: int, protocol: str = "TCP") -> bool:
    """True if the policies let a connection through, both sides."""
    out = _side(policies, "Egress", source, target, target, port, protocol)
    return out and _side(policies, "Ingress", target, source, target, port, protocol)


def matches(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Labels and expressions of a label selector; an empty one matches everything."""
    wanted = _mapping(selector.get("matchLabels"))
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _expression(one, labels) for one in _list(selector.get("matchExpressions"))
    )


def _expression(given: object, labels: Mapping[str, str]) -> bool:
    one = _mapping(given)
    value, values = labels.get(str(one["key"])), _list(one.get("values"))
    match one["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case operator:
            raise ValueError(f"label selector's operator is {operator!r}; allowed: In, NotIn, Exists, DoesNotExist")


def _side(
    policies: Sequence[Policy], kind: str, own: Endpoint, other: Endpoint, target: Endpoint, port: int, protocol: str
) -> bool:
    selecting = [one for one in policies if own.namespace and one.selects(own) and kind in _types(one)]
    if not selecting:
        return True
    rules = [(one, _mapping(rule)) for one in selecting for rule in _list(one.spec.get(kind.lower()))]
    peers = "to" if kind == "Egress" else "from"
    return any(
        _port_matches(_list(rule.get("ports")), target, port, protocol)
        and (not _list(rule.get(peers)) or any(_is_peer(one, other, policy) for one in _list(rule[peers])))
        for policy, rule in rules
    )


def _types(policy: Policy) -> Sequence[object]:
    """Ingress always, Egress with egress rules, where the policy does not say."""
    return _list(policy.spec.get("policyTypes")) or ["Ingress", *(["Egress"] if policy.spec.get("egress") else [])]


def _is_peer(given: object, other: Endpoint, policy: Policy) -> bool:
    """Two selectors in one peer are one condition: these pods in these namespaces."""
    peer = _mapping(given)
    if "ipBlock" in peer:
        block = _mapping(peer["ipBlock"])
        inside = _within(other.address, str(block["cidr"]))
        return inside and not any(_within(other.address, str(one)) for one in _list(block.get("except")))
    if not other.namespace:
        return False
    names = {"kubernetes.io/metadata.name": other.namespace}
    if "namespaceSelector" in peer:
        if not matches(_mapping(peer["namespaceSelector"]), names):
            return False
    elif other.namespace != policy.namespace:
        return False
    return "podSelector" not in peer or matches(_mapping(peer["podSelector"]), other.labels)


def _port_matches(listed: Sequence[object], target: Endpoint, port: int, protocol: str) -> bool:
    return not listed or any(_is_port(_mapping(one), target, port, protocol) for one in listed)


def _is_port(given: Mapping[str, object], target: Endpoint, port: int, protocol: str) -> bool:
    if given.get("protocol", "TCP") != protocol:
        return False
    wanted = given.get("port")
    if isinstance(wanted, str):
        return target.ports.get(wanted) == port
    if wanted is None:
        return True
    first = int(str(wanted))
    return first <= port <= int(str(given.get("endPort", first)))


def _within(address: str, block: str) -> bool:
    return ip_address(address) in ip_network(block, strict=False)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
