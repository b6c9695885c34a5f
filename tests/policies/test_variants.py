"""Variants of each rule's compliant example and of its own breaks, passed and refused: the other ways to write the same
thing, the value at the limit and the one just beyond it.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from policies.examples import COMPLIANT
from policies.reading import Value
from policies.rule import GONE, Gone
from policies.testing import as_function, changed
from tests.policies.conftest import config_of, of_name

Changes = dict[str, "Value | Gone"]
POD = "/spec/template/spec"
CONTAINER = f"{POD}/containers/0"
WORLD = "0.0.0.0/0"
OLD_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"


def document(**statement: Value) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def tls_only(**changes: Value) -> str:
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    denial = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": condition}
    return json.dumps({"Statement": [{**denial, **changes}]})


def passes(name: str, example: str, changes: Changes, type_: str = "") -> bool:
    """True if a rule passes the compliant stack with these changes of one resource."""
    resource = COMPLIANT[example]
    properties = resource.properties
    for path, value in changes.items():
        properties = changed(properties, path, value)
    altered = replace(resource, properties=properties, type=type_ or resource.type)
    return not as_function(of_name(name), {**COMPLIANT, example: altered}.values(), config_of(of_name(name)))


PASSING: list[tuple[str, str, Changes, str]] = [
    ("closed-ports", "ingress rule", {"/cidrIpv4": WORLD, "/fromPort": 443, "/toPort": 443}, ""),
    ("closed-ports", "ingress rule", {"/type": "egress", "/cidrBlocks": [WORLD], "/toPort": 9}, OLD_RULE),
    (
        "closed-ports",
        "ingress rule",
        {"/type": "ingress", "/cidrBlocks": [WORLD], "/fromPort": 80, "/toPort": 80},
        OLD_RULE,
    ),
    ("closed-ports", "security group", {"/ingress": [{"cidrBlocks": ["10.0.0.0/8"], "fromPort": 1, "toPort": 9}]}, ""),
    ("least-privilege", "permissions", {"/policy": document(Action="ec2:DescribeInstances", Resource="*")}, ""),
    ("least-privilege", "permissions", {"/policy": document(Action="cloudwatch:PutMetricData", Resource="*")}, ""),
    ("least-privilege", "permissions", {"/policy": document(Effect="Deny", Action="*", Resource="*")}, ""),
    ("least-privilege", "trust", {"/assumeRolePolicy": document(Principal={"AWS": "arn:aws:iam::1:root"})}, ""),
    ("closed-bucket", "bucket policy", {"/policy": tls_only(Principal={"AWS": "*"})}, ""),
    ("bucket-lifecycle", "bucket lifecycle", {"/rules/0/expiration/days": 365}, ""),
    ("locked-backups", "bucket lock", {"/rule/defaultRetention/days": 7}, ""),
    ("private-database", "database", {"/caCertIdentifier": "rds-ca-rsa2048-g1"}, ""),
    ("database-backups", "database", {"/backupRetentionPeriod": 7}, ""),
    ("rotated-key", "key", {"/deletionWindowInDays": 7}, ""),
    ("protected-cache", "cache parameters", {"/parameters/0/value": "noeviction"}, ""),
    ("protected-cache", "cache", {"/authToken": GONE, "/userGroupIds": ["a"]}, ""),
    ("protected-cache", "cache", {"/snapshotRetentionLimit": 1}, ""),
    ("budget", "budget", {"/limitAmount": "1000"}, ""),
    ("known-sizes", "logs", {"/retentionInDays": 365}, ""),
    ("known-sizes", "logs", {"/retentionInDays": 30}, ""),
    ("scale-limits", "autoscaler", {"/spec/maxReplicas": 10}, ""),
    ("scale-limits", "database", {"/allocatedStorage": 100}, ""),
    ("scale-limits", "database parameters", {"/parameters/0/value": "200"}, ""),
    ("scale-limits", "store", {f"{CONTAINER}/args": ["-c", "max_connections=200"]}, ""),
    ("autoscaler-behaviour", "autoscaler", {"/spec/behavior/scaleDown/stabilizationWindowSeconds": 300}, ""),
    ("stated-resources", "deployment", {f"{CONTAINER}/resources/limits/cpu": 2}, ""),
    ("records-follow-health", "record of us-east-1", {"/ttl": 60}, ""),
    ("spread", "deployment", {"/spec/strategy/rollingUpdate/maxUnavailable": "0%"}, ""),
    ("graceful-stop", "deployment", {f"{CONTAINER}/lifecycle/preStop": {"sleep": {"seconds": 5}}}, ""),
    ("graceful-stop", "deployment", {f"{CONTAINER}/lifecycle/preStop": {"exec": {"command": ["sleep", "5"]}}}, ""),
    ("graceful-stop", "deployment", {f"{CONTAINER}/lifecycle/preStop": {"exec": {"command": ["drain"]}}}, ""),
    ("pod-security", "deployment", {f"{POD}/hostNetwork": False, f"{POD}/hostPID": None}, ""),
    ("pod-security", "deployment", {f"{CONTAINER}/securityContext/privileged": False}, ""),
    ("pod-security", "deployment", {f"{CONTAINER}/securityContext/capabilities/add": ["NET_BIND_SERVICE"]}, ""),
    ("pod-security", "deployment", {f"{CONTAINER}/securityContext/seccompProfile": {"type": "Localhost"}}, ""),
    ("pod-user", "deployment", {f"{CONTAINER}/securityContext/runAsUser": 10_000}, ""),
    ("internal-services", "service", {"/spec/type": "ExternalName"}, ""),
    ("internal-services", "service", {"/spec/type": "LoadBalancer", "/spec/ports": [{"port": 443}]}, ""),
    ("several-instances", "autoscaler", {"/spec/minReplicas": 2}, ""),
    (
        "security-headers",
        "route",
        {"/spec/rules/0/filters/0/responseHeaderModifier/set/0/value": "max-age=31536000; includeSubDomains"},
        "",
    ),
    ("no-plain-secrets", "config", {"/data/PASSWORD_FILE": "/etc/password", "/data/TOKEN": "true"}, ""),
    ("no-plain-secrets", "config", {"/data/BUCKET": "shop-backup-store-0123456789ab"}, ""),
    ("no-plain-secrets", "config", {"/data/WORDS": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, ""),
]

REFUSED: list[tuple[str, str, Changes, str]] = [
    ("closed-ports", "ingress rule", {"/cidrIpv4": WORLD, "/fromPort": 443, "/toPort": 444}, ""),
    ("closed-ports", "ingress rule", {"/cidrIpv4": WORLD, "/fromPort": GONE, "/toPort": GONE}, ""),
    ("closed-ports", "ingress rule", {"/cidrIpv6": "::/0"}, ""),
    ("closed-ports", "ingress rule", {"/type": "ingress", "/cidrBlocks": [WORLD]}, OLD_RULE),
    ("closed-ports", "security group", {"/ingress": [{"cidrBlocks": [WORLD], "fromPort": 22, "toPort": 22}]}, ""),
    ("closed-ports", "security group", {"/ingress": [{"ipv6CidrBlocks": ["::/0"], "fromPort": 22, "toPort": 22}]}, ""),
    ("least-privilege", "permissions", {"/policy": document(Action="s3:*", Resource="arn")}, ""),
    ("least-privilege", "permissions", {"/policy": document(Action="*", Resource="arn")}, ""),
    ("least-privilege", "permissions", {"/policy": document(Action="s3:PutObject", Resource="*")}, ""),
    ("least-privilege", "trust", {"/assumeRolePolicy": document(Principal="*")}, ""),
    ("least-privilege", "trust", {"/assumeRolePolicy": document(Principal={"AWS": ["*"]})}, ""),
    ("closed-bucket", "bucket policy", {"/policy": tls_only(Action="s3:GetObject")}, ""),
    ("closed-bucket", "bucket policy", {"/policy": tls_only(Effect="Allow")}, ""),
    ("closed-bucket", "bucket policy", {"/policy": tls_only(Principal={"AWS": "1"})}, ""),
    ("closed-bucket", "bucket policy", {"/policy": tls_only(Condition={"Bool": {"aws:SecureTransport": "true"}})}, ""),
    ("bucket-lifecycle", "bucket lifecycle", {"/rules/0/expiration/days": 366}, ""),
    ("bucket-lifecycle", "bucket lifecycle", {"/rules/0/status": "Disabled"}, ""),
    ("database-backups", "database", {"/backupRetentionPeriod": 6}, ""),
    ("rotated-key", "key", {"/deletionWindowInDays": 6}, ""),
    ("rotated-key", "key", {"/deletionWindowInDays": GONE}, ""),
    ("protected-cache", "cache parameters", {"/parameters": []}, ""),
    ("protected-cache", "cache", {"/authToken": GONE}, ""),
    ("protected-cache", "cache", {"/snapshotRetentionLimit": 0}, ""),
    ("budget", "budget", {"/limitAmount": "1001"}, ""),
    ("known-sizes", "logs", {"/retentionInDays": 366}, ""),
    ("known-sizes", "logs", {"/retentionInDays": 29}, ""),
    ("known-sizes", "logs", {"/retentionInDays": 0}, ""),
    ("scale-limits", "autoscaler", {"/spec/maxReplicas": 11}, ""),
    ("scale-limits", "autoscaler", {"/spec/maxReplicas": GONE}, ""),
    ("scale-limits", "database", {"/allocatedStorage": 101}, ""),
    ("scale-limits", "database", {"/maxAllocatedStorage": 101}, ""),
    ("scale-limits", "database parameters", {"/parameters/0/value": "201"}, ""),
    ("scale-limits", "database parameters", {"/parameters/0/name": "other"}, ""),
    ("scale-limits", "store", {f"{CONTAINER}/args": ["-c", "max_connections=201"]}, ""),
    ("scale-limits", "deployment", {"/spec/replicas": 11}, ""),
    ("autoscaler-behaviour", "autoscaler", {"/spec/behavior/scaleDown/stabilizationWindowSeconds": 299}, ""),
    ("stated-resources", "deployment", {f"{CONTAINER}/resources/limits/cpu": 0}, ""),
    ("stated-resources", "deployment", {f"{CONTAINER}/resources/requests/memory": "0"}, ""),
    ("records-follow-health", "record of us-east-1", {"/ttl": 61}, ""),
    ("records-follow-health", "record of us-east-1", {"/ttl": GONE}, ""),
    ("spread", "deployment", {"/spec/strategy/rollingUpdate/maxUnavailable": 1}, ""),
    ("spread", "deployment", {"/spec/strategy/rollingUpdate/maxUnavailable": "10%"}, ""),
    ("graceful-stop", "deployment", {f"{CONTAINER}/lifecycle/preStop": {"sleep": {"seconds": 4}}}, ""),
    ("graceful-stop", "deployment", {f"{CONTAINER}/lifecycle/preStop": {"exec": {"command": ["sleep", "4"]}}}, ""),
    ("pod-security", "deployment", {f"{POD}/hostIPC": True}, ""),
    (
        "pod-user",
        "deployment",
        {f"{CONTAINER}/securityContext/runAsUser": 9999, f"{POD}/securityContext/runAsUser": 9999},
        "",
    ),
    ("internal-services", "service", {"/spec/type": "LoadBalancer", "/spec/ports": [{"port": 22}]}, ""),
    ("internal-services", "service", {"/spec/type": "NodePort", "/spec/ports": [{"port": 443}]}, ""),
    ("several-instances", "autoscaler", {"/spec/minReplicas": 1}, ""),
    ("several-instances", "disruption budget", {"/spec/maxUnavailable": "0%"}, ""),
    ("several-instances", "disruption budget", {"/spec/maxUnavailable": GONE, "/spec/minAvailable": 2}, ""),
    ("several-instances", "disruption budget", {"/spec/maxUnavailable": GONE, "/spec/minAvailable": "100%"}, ""),
    ("several-instances", "disruption budget", {"/spec/maxUnavailable": GONE}, ""),
    (
        "security-headers",
        "route",
        {"/spec/rules/0/filters/0/responseHeaderModifier/set/0/value": "max-age=31535999; includeSubDomains"},
        "",
    ),
    ("no-plain-secrets", "config", {"/data/STRANGE": "aB3dE5gH7jK9mN1pQ2sT4vW6"}, ""),
    ("no-plain-secrets", "config", {"/data/ADDRESS": "redis://user:word@host"}, ""),
]


def named(cases: list[tuple[str, str, Changes, str]]) -> list[object]:
    return [pytest.param(*case, id=f"{case[0]}-{number}") for number, case in enumerate(cases)]


@pytest.mark.parametrize(("name", "example", "changes", "type_"), named(PASSING))
def test_what_is_as_good_passes(name: str, example: str, changes: Changes, type_: str) -> None:
    assert passes(name, example, changes, type_)


@pytest.mark.parametrize(("name", "example", "changes", "type_"), named(REFUSED))
def test_what_is_as_bad_is_refused(name: str, example: str, changes: Changes, type_: str) -> None:
    assert not passes(name, example, changes, type_)
