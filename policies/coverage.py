"""Coverage of the pack: kinds that run programs, give permissions, open ports or keep data, and that no rule reads.
Silence about them would be taken for consent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pulumi_policy import Severity

from policies.rule import Break, Resource, ResourceRule, Rule
from policies.tunables import Kind, Settings, Tunable

SENSITIVE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aws-native:*": "is of a provider whose resources no rule reads; declare it by the provider aws",
        "awsx:*": "is a component of another pack; its parts are judged, its own options are not",
        "aws:apigateway*": "answers requests from outside",
        "aws:appautoscaling/*": "scales something",
        "aws:apprunner/*": "runs a program with an address on the internet",
        "aws:batch/*": "runs programs",
        "aws:cloudfront/*": "answers requests from outside",
        "aws:cognito/*": "keeps people's logins",
        "aws:docdb/*": "keeps data",
        "aws:dynamodb/*": "keeps data",
        "aws:ebs/*": "keeps data",
        "aws:ec2/internetGateway:*": "opens a network",
        "aws:ec2/networkAcl*": "opens ports",
        "aws:ec2/spotInstanceRequest:*": "runs a machine",
        "aws:ecs/service:*": "runs programs",
        "aws:efs/*": "keeps data",
        "aws:eks/*": "runs programs and gives permissions",
        "aws:elasticbeanstalk/*": "runs programs",
        "aws:elasticsearch/*": "keeps data",
        "aws:fsx/*": "keeps data",
        "aws:iam/accessKey:*": "is a login without an end",
        "aws:iam/user:*": "is a login of its own; give people and programs roles",
        "aws:iam/userLoginProfile:*": "is a password for the console",
        "aws:kinesis*": "keeps data",
        "aws:lightsail/*": "runs machines",
        "aws:memorydb/*": "keeps data",
        "aws:mq/*": "keeps data",
        "aws:msk/*": "keeps data",
        "aws:neptune/*": "keeps data",
        "aws:opensearch/*": "keeps data",
        "aws:organizations/*": "gives permissions",
        "aws:ram/*": "shares resources with other accounts",
        "aws:redshift*": "keeps data",
        "aws:sagemaker/*": "runs programs",
        "aws:ssoadmin/*": "gives permissions",
        "aws:timestreamwrite/*": "keeps data",
        "aws:transfer/*": "opens ports",
        "kubernetes:admissionregistration.k8s.io/*": "decides what the cluster takes",
        "kubernetes:apiextensions.k8s.io/*": "brings a kind that no rule reads",
        "kubernetes:argoproj.io/v1alpha1:Application*": "installs what no rule sees",
        "kubernetes:cilium.io/*": "opens ports",
        "kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyExtensionPolicy": "runs a program in the proxy",
        "kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyPatchPolicy": "changes the proxy's own configuration",
        "kubernetes:gateway.networking.k8s.io/v1:TCPRoute": "answers requests from outside",
        "kubernetes:gateway.networking.k8s.io/v1:TLSRoute": "answers requests from outside",
        "kubernetes:gateway.networking.k8s.io/v1:UDPRoute": "answers requests from outside",
        "kubernetes:helm.sh/v3:Release": "installs objects that the engine does not show; a Chart shows its own",
        "kubernetes:networking.istio.io/*": "answers requests from outside",
        "kubernetes:serving.knative.dev/*": "runs programs",
        "kubernetes:tekton.dev/*": "runs programs",
        "kubernetes:traefik.io/*": "answers requests from outside",
    }
)
"""Types that carry pods, permissions, entry or data, and what they do."""


def unread(others: Sequence[Rule]) -> ResourceRule:
    """The rule that names what none of the others reads."""

    def check(resource: Resource, settings: Settings) -> Iterator[str]:
        does = next((does for type_, does in SENSITIVE.items() if _is(resource.type, type_)), "")
        accepted = any(_is(resource.type, one) for one in settings.texts("accepted"))
        if does and not accepted and not any(rule.reads(resource.type) for rule in read_by):
            yield f"{resource.type} {does}, and no rule of this pack reads it; have it reviewed, then accept the type"

    read_by = [rule for rule in others if "kubernetes:*" not in rule.types]
    return ResourceRule(
        id="SUP-04",
        name="unread-resources",
        severity=Severity.HIGH,
        says="Kinds that run programs, give permissions, open ports or keep data are read by a rule, or named here.",
        why="A pack that says nothing of a kind it does not know is taken for one that found nothing.",
        fix="Use a kind that the rules read, or review the type and list it under accepted.",
        source="AWS Well-Architected, SEC06; Kubernetes, policies for custom resources",
        types=tuple(SENSITIVE),
        of_parts=True,
        check=check,
        tunables=(Tunable("accepted", Kind.TEXTS, [], "types that were reviewed by hand, * at an end for all below"),),
        breaks=(
            Break("config", "", type="kubernetes:helm.sh/v3:Release"),
            Break("logs", "", type="aws:dynamodb/table:Table"),
            Break("logs", "", type="aws:iam/accessKey:AccessKey"),
            Break("logs", "", type="aws-native:s3:Bucket"),
            Break("logs", "", type="aws:cloudfront/distribution:Distribution"),
        ),
    )


def _is(type_: str, pattern: str) -> bool:
    return type_.startswith(pattern[:-1]) if pattern.endswith("*") else type_ == pattern
