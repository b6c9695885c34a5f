"""What surrounds pods: the namespace's own security, who may talk to whom, secrets, permissions."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Final

from pulumi_policy import Severity

from policies.pods import POD_TYPES, containers, namespace, selects, template
from policies.reading import Properties, at, items, later, mapping, mappings, shown, text, texts
from policies.rule import Break, Resource, ResourceRule, StackRule, Violation
from policies.tunables import Settings

NAMESPACE: Final = "kubernetes:core/v1:Namespace"
NETWORK_POLICY: Final = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
ROLES: Final = ("kubernetes:rbac.authorization.k8s.io/v1:Role", "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")
ENFORCE: Final = "pod-security.kubernetes.io/enforce"
METADATA: Final = "169.254.169.254/32"
ANYWHERE: Final = ("0.0.0.0/0", "::/0")
VARIABLE: Final = "/spec/template/spec/containers/0/env/1/value"

SECRET_NAME: Final = re.compile(
    r"(?i)(password|passwd|secret|token|api_?key|private_?key|access_?key(_id)?|credentials?)$"
)
LOGIN_IN_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@")
NAME_OF_WORDS: Final = re.compile(r"([a-z]{3,}[0-9]*-){2,}[a-z0-9]{1,12}")
"""Such as a bucket's name with the engine's suffix: several words in small letters, and a short end."""
LONG_ENOUGH: Final = 20
BITS_A_CHARACTER: Final = 4.0


def _restricted_namespace(resource: Resource, settings: Settings) -> Iterator[str]:
    if text(at(resource.properties, "metadata", "name")) == "default":
        yield "uses the namespace default; give the product one of its own"
    level = at(resource.properties, "metadata", "labels", ENFORCE)
    if level != "restricted":
        yield f"the label {ENFORCE} is {shown(level)}; allowed is restricted"


def _default_deny(resources: Sequence[Resource], settings: Settings) -> Iterator[Violation]:
    policies = [one for one in resources if one.type == NETWORK_POLICY]
    closed = {namespace(one) for one in policies if _closes_all(mapping(one.properties.get("spec")))}
    for one in resources:
        if one.type == NAMESPACE:
            name = f"{one.provider}/{text(at(one.properties, 'metadata', 'name'))}"
            if name not in closed:
                yield Violation("no NetworkPolicy with an empty podSelector closes it for Ingress and Egress", one)
        elif one.type in POD_TYPES:
            labels = mapping(at(template(one), "metadata", "labels"))
            if not any(_is_for(policy, one, labels) for policy in policies):
                yield Violation("no NetworkPolicy says what its pods may reach and who may reach them", one)


def _closes_all(spec: Properties) -> bool:
    open_ = items(spec.get("ingress")) or items(spec.get("egress"))
    both = {"Ingress", "Egress"} <= set(texts(spec.get("policyTypes")))
    return not mapping(spec.get("podSelector")) and both and not open_


def _is_for(policy: Resource, workload: Resource, labels: Properties) -> bool:
    selector = mapping(at(policy.properties, "spec", "podSelector"))
    return bool(selector) and namespace(policy) == namespace(workload) and selects(selector, labels)


def _no_metadata(resource: Resource, settings: Settings) -> Iterator[str]:
    for index, rule in enumerate(mappings(at(resource.properties, "spec", "egress"))):
        if not items(rule.get("to")):
            yield f"egress[{index}] names nobody, so it allows everybody"
        for peer in mappings(rule.get("to")):
            block = mapping(peer.get("ipBlock"))
            if block.get("cidr") in ANYWHERE and METADATA not in texts(block.get("except")):
                yield f"egress[{index}] reaches {block.get('cidr')} without except {METADATA}, the machine's own roles"


def _no_plain_secrets(resource: Resource, settings: Settings) -> Iterator[str]:
    if resource.type in POD_TYPES:
        for name, container in containers(resource):
            for variable in mappings(container.get("env")):
                key, value = text(variable.get("name")), text(later(variable, "value"))
                yield from (f"{name}: env {wrong}" for wrong in _secret(key, value))
        return
    data = mapping(resource.properties.get("data"))
    for key in data:
        yield from (f"data.{wrong}" for wrong in _secret(key, text(later(data, key))))


def _secret(key: str, value: str) -> Iterator[str]:
    """The value itself is never shown. A path, a switch or nothing at all is no secret, whatever it is called."""
    if not value or value.startswith("/") or value.lower() in ("true", "false"):
        return
    if SECRET_NAME.search(key):
        yield f"{key} holds a value in clear; mount it from a Secret"
    elif LOGIN_IN_ADDRESS.search(value):
        yield f"{key} holds an address with a password in it; mount it from a Secret"
    elif NAME_OF_WORDS.fullmatch(value):
        return
    elif len(value) >= LONG_ENOUGH and re.fullmatch(r"[A-Za-z0-9+/=_-]+", value) and _entropy(value) > BITS_A_CHARACTER:
        yield f"{key} holds what looks like a key; mount it from a Secret"


def _entropy(value: str) -> float:
    """Bits a character: words have fewer than keys."""
    shares = [value.count(one) / len(value) for one in set(value)]
    return -sum(share * math.log2(share) for share in shares)


def _least_privilege(resource: Resource, settings: Settings) -> Iterator[str]:
    for index, rule in enumerate(mappings(resource.properties.get("rules"))):
        verbs, resources = set(texts(rule.get("verbs"))), set(texts(rule.get("resources")))
        for key in ("verbs", "resources", "apiGroups"):
            if "*" in texts(rule.get(key)):
                yield f"rules[{index}].{key} holds *; name what is needed"
        for verb in sorted(verbs & {"escalate", "bind", "impersonate"}):
            yield f"rules[{index}] may {verb}, which is every permission by another way"
        if "secrets" in resources and verbs & {"get", "list", "watch"} and not items(rule.get("resourceNames")):
            yield f"rules[{index}] reads every secret of the namespace; name those it needs in resourceNames"


RESTRICTED_NAMESPACE: Final = ResourceRule(
    id="WRK-05",
    name="restricted-namespace",
    severity=Severity.HIGH,
    says="Namespaces enforce restricted pod security, and none is the default one.",
    why="The API server then refuses what no review has seen.",
    fix=f"Label the namespace {ENFORCE}=restricted.",
    source="Kubernetes Pod Security Standards; Checkov CKV_K8S_21",
    types=(NAMESPACE,),
    check=_restricted_namespace,
    breaks=(
        Break("namespace", "/metadata/labels/pod-security.kubernetes.io~1enforce", "baseline"),
        Break("namespace", "/metadata/labels/pod-security.kubernetes.io~1enforce"),
    ),
)

DEFAULT_DENY: Final = StackRule(
    id="WRK-06",
    name="default-deny",
    severity=Severity.HIGH,
    says="Nothing may talk unless a network policy says so, and every workload has one of its own.",
    why="An intruder in one pod then sees only what that pod needs.",
    fix="Declare a policy with an empty podSelector for both directions, and one a workload.",
    source="Checkov CKV2_K8S_6; kube-score, pod-networkpolicy; Kubescape C-0030",
    types=(NAMESPACE, NETWORK_POLICY, *POD_TYPES),
    check=_default_deny,
    breaks=(
        Break("default deny", ""),
        Break("default deny", "/spec/policyTypes", ["Ingress"]),
        Break("default deny", "/spec/ingress", [{}]),
        Break("traffic", ""),
        Break("traffic", "/spec/podSelector/matchLabels/app.kubernetes.io~1name", "other"),
        Break("backup traffic", ""),
    ),
)

NO_METADATA: Final = ResourceRule(
    id="WRK-06a",
    name="no-machine-metadata",
    severity=Severity.HIGH,
    says="No pod reaches the address at which a machine hands out its own permissions.",
    why="A forged request from inside a pod is enough to become the node.",
    fix=f"Put except: [{METADATA}] beside every block that holds it.",
    source="NSA and CISA, Kubernetes hardening guide; Kubescape C-0052",
    types=(NETWORK_POLICY,),
    check=_no_metadata,
    breaks=(
        Break("traffic", "/spec/egress/0/to/0/ipBlock/except", []),
        Break("traffic", "/spec/egress/0/to/0/ipBlock/except"),
        Break("traffic", "/spec/egress/0/to"),
    ),
)

NO_PLAIN_SECRETS: Final = ResourceRule(
    id="WRK-08",
    name="no-plain-secrets",
    severity=Severity.CRITICAL,
    says="No password, token or key stands in an environment variable or a config map.",
    why="Both are shown to whoever may look at a pod, and land in logs and dumps.",
    fix="Keep it in a Secret, mounted as a file.",
    source="Checkov CKV_K8S_35",
    types=(*POD_TYPES, "kubernetes:core/v1:ConfigMap"),
    check=_no_plain_secrets,
    breaks=(
        Break("deployment", VARIABLE, "correct horse", later=True),
        Break("deployment", VARIABLE, "postgres://app:horse@db/app", later=True),
        Break("config", "/data/SIGNING", "q8Zr1vX0pT7mWn4sKd2yLb6c", later=True),
        Break("config", "/data/API_KEY", "abc", later=True),
    ),
)

LEAST_PRIVILEGE: Final = ResourceRule(
    id="WRK-09",
    name="least-privilege-in-cluster",
    severity=Severity.HIGH,
    says="Roles name what they allow: no wildcards, no reading of every secret, no way up.",
    why="A service account with a wildcard is the cluster's administrator under another name.",
    fix="List API groups, resources and verbs; name secrets in resourceNames.",
    source="Checkov CKV_K8S_49, 155-158, CKV2_K8S_5",
    types=ROLES,
    check=_least_privilege,
    breaks=(
        Break("role", "/rules/0/verbs", ["*"]),
        Break("role", "/rules/0/resources", ["secrets"]),
        Break("role", "/rules/0/verbs", ["bind"]),
    ),
)

RULES: Final = (RESTRICTED_NAMESPACE, DEFAULT_DENY, NO_METADATA, NO_PLAIN_SECRETS, LEAST_PRIVILEGE)
