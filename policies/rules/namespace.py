"""Rules around pods: Pod Security labels of the namespace, network policies, secrets, permissions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pulumi_policy import Severity

from policies.blocks import holds
from policies.clear_texts import TYPES, secrets
from policies.pods import POD_TYPES, namespace, object_name, pod_labels, selects
from policies.reading import Properties, at, items, mapping, mappings, number, shown, text, texts
from policies.rule import Break, Judged, Resource, ResourceRule, StackRule, Violation, each
from policies.tunables import Kind, Settings, Tunable

NAMESPACE: Final = "kubernetes:core/v1:Namespace"
NETWORK_POLICY: Final = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
ROLES: Final = ("kubernetes:rbac.authorization.k8s.io/v1:Role", "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")
ENFORCE: Final = "pod-security.kubernetes.io/enforce"
WHOLE_STANDARD: Final = 25
"""The minor version since which restricted asks for everything that it does today (Pod Security Standards)."""
METADATA: Final = "169.254.169.254/32"
METADATA_6: Final = "fd00:ec2::254/128"
"""Address of EC2's instance metadata, which holds the machine's credentials (EC2 User Guide, instance metadata), by IP
version.
"""
BINDINGS: Final = (
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
)
EVERYBODY: Final = (
    "system:anonymous",
    "system:authenticated",
    "system:serviceaccounts",
    "system:unauthenticated",
)
WAYS_UP: Final = ("escalate", "bind", "impersonate")
POWERS: Final = {
    "pods/exec": ("create", "get"),
    "pods/attach": ("create", "get"),
    "pods/ephemeralcontainers": ("patch", "update"),
    "serviceaccounts/token": ("create",),
    "nodes/proxy": ("create", "get"),
    "certificatesigningrequests/approval": ("patch", "update"),
}
"""Subresources that allow impersonation (Kubernetes, RBAC good practices), with the verbs that do it."""
OF_ONE: Final = ("serviceaccounts/token",)
"""Of these, one that is named is what a controller needs for its own work, such as cert-manager for an issuer."""
VARIABLE: Final = "/spec/template/spec/containers/0/env/1/value"


def _restricted_namespace(resource: Resource, settings: Settings) -> Iterator[str]:
    if text(at(resource.properties, "metadata", "name")) == "default":
        yield "uses the namespace default; give the product one of its own"
    labels = mapping(at(resource.properties, "metadata", "labels"))
    level, version = labels.get(ENFORCE), text(labels.get(f"{ENFORCE}-version"))
    if level != "restricted" and not (resource.partial and level is None):
        yield f"the label {ENFORCE} is {shown(level)}; allowed is restricted"
    minor = number(version.removeprefix("v1."))
    if version not in ("", "latest") and (minor is None or minor < WHOLE_STANDARD):
        yield f"the label {ENFORCE}-version is {version}; allowed are latest and v1.{WHOLE_STANDARD} or newer"


def _default_deny(resources: Sequence[Resource], settings: Settings) -> Iterator[Judged]:
    policies = [one for one in resources if one.type == NETWORK_POLICY]

    def judged(one: Resource) -> Iterator[Judged]:
        if one.type == NAMESPACE:
            name = f"{one.provider}/{text(at(one.properties, 'metadata', 'name'))}"
            closed = {way for policy in policies if namespace(policy) == name for way in _closed(policy)}
            if not {"Ingress", "Egress"} <= closed:
                yield Violation("no NetworkPolicy with an empty podSelector closes it for Ingress and Egress", one)
        elif one.type in POD_TYPES and not any(_is_for(policy, one, pod_labels(one)) for policy in policies):
            yield Violation("no NetworkPolicy says what its pods may reach and who may reach them", one)

    yield from each(resources, judged)


def _closed(policy: Resource) -> Iterator[str]:
    """The ways that a policy closes for every pod of its namespace."""
    spec = mapping(policy.properties.get("spec"))
    if not any(mapping(spec.get("podSelector")).values()):
        ways = texts(spec.get("policyTypes")) or ["Ingress"]
        yield from (way for way in ways if not items(spec.get(way.lower())))


def _is_for(policy: Resource, workload: Resource, labels: Properties) -> bool:
    """True if a policy is about these pods; one that chooses all of a namespace says nothing of a workload."""
    if namespace(policy) != namespace(workload):
        return False
    selector = mapping(at(policy.properties, "spec", "podSelector"))
    return any(selector.values()) and selects(selector, labels)


def _no_metadata(resource: Resource, settings: Settings) -> Iterator[str]:
    for index, rule in enumerate(mappings(at(resource.properties, "spec", "egress"))):
        if not items(rule.get("to")):
            yield f"egress[{index}] has no `to`, which allows every destination"
        for peer in mappings(rule.get("to")):
            block = mapping(peer.get("ipBlock"))
            reached, without = text(block.get("cidr")), texts(block.get("except"))
            for address in (METADATA, METADATA_6):
                if holds(reached, address) and not any(holds(one, address) for one in without):
                    yield f"egress[{index}] reaches {reached} without except {address}, the machine's own roles"
    for index, rule in enumerate(mappings(at(resource.properties, "spec", "ingress"))):
        if not items(rule.get("from")) and not items(rule.get("ports")):
            yield f"ingress[{index}] has no `from` and no ports, which allows every source on every port"


def _no_plain_secrets(resource: Resource, settings: Settings) -> Iterator[str]:
    yield from secrets(resource)


def _least_privilege(resource: Resource, settings: Settings) -> Iterator[str]:
    if resource.type in BINDINGS:
        yield from _binding(resource)
        return
    for index, rule in enumerate(mappings(resource.properties.get("rules"))):
        where = f"rules[{index}]"
        verbs, resources = set(texts(rule.get("verbs"))), set(texts(rule.get("resources")))
        for key in ("verbs", "resources", "apiGroups"):
            if any("*" in one for one in texts(rule.get(key))):
                yield f"{where}.{key} holds *; name what is needed"
        for verb in sorted(verbs & set(WAYS_UP)):
            yield f"{where} may {verb}, which grants every permission indirectly"
        if "secrets" in resources and verbs & {"get", "list", "watch"} and not items(rule.get("resourceNames")):
            yield f"{where} reads every secret of the namespace; name those it needs in resourceNames"
        named = bool(items(rule.get("resourceNames")))
        for power, means in POWERS.items():
            if named and power in OF_ONE:
                continue
            if power in resources and verbs & set(means) and object_name(resource) not in settings.texts("people"):
                yield f"{where} may {' and '.join(sorted(verbs & set(means)))} {power}, another subject's permissions"


def _binding(binding: Resource) -> Iterator[str]:
    role = text(at(binding.properties, "roleRef", "name"))
    for subject in mappings(binding.properties.get("subjects")):
        name = text(subject.get("name"))
        if name in EVERYBODY or name.startswith("system:serviceaccounts:"):
            yield f"gives {role or 'a role'} to {name}, which is no single subject; name one"
    if role == "cluster-admin":
        yield "gives cluster-admin, which is every permission in the cluster; bind a role that names what is needed"


RESTRICTED_NAMESPACE: Final = ResourceRule(
    id="WRK-05",
    name="restricted-namespace",
    severity=Severity.HIGH,
    says="Namespaces enforce restricted pod security, and none is the default one.",
    why="The API server then refuses what no review has seen.",
    fix=f"Label the namespace {ENFORCE}=restricted.",
    source="Kubernetes Pod Security Standards; Checkov CKV_K8S_21",
    types=(NAMESPACE,),
    of_parts=True,
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
    of_parts=True,
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
    why="Both can be read by every user who may view a pod, and land in logs and dumps.",
    fix="Keep it in a Secret, mounted as a file.",
    source="Checkov CKV_K8S_35",
    types=TYPES,
    of_parts=True,
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
    types=(*ROLES, *BINDINGS),
    of_parts=True,
    check=_least_privilege,
    tunables=(Tunable("people", Kind.TEXTS, [], "roles of people, who may look into a running pod"),),
    breaks=(
        Break("role", "/rules/0/verbs", ["*"]),
        Break("role", "/rules/0/resources", ["secrets"]),
        Break("role", "/rules/0/verbs", ["bind"]),
    ),
)

AREA: Final = "Namespaces"
RULES: Final = (RESTRICTED_NAMESPACE, DEFAULT_DENY, NO_METADATA, NO_PLAIN_SECRETS, LEAST_PRIVILEGE)
