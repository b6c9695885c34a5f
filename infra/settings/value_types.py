"""The shapes of single values in a stack file, and what all its sections are. No I/O."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from infra.catalog.units import GIBIBYTE, MEBIBYTE
from infra.settings.cron import moments

DOMAIN_PATTERN: Final = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$"
DOMAIN_LENGTH: Final = 200
"""DNS takes 253 characters; the rest is for the names below it that the stack publishes and proves."""
EMAIL_PATTERN: Final = r"^[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$"
MAXIMUM_EMAILS: Final = 10
"""AWS Budgets takes as many e-mail subscribers a notification (AWS Budgets quotas)."""
OBJECT_NAME: Final = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
QUANTITY_UNITS: Final = {"Mi": MEBIBYTE, "Gi": GIBIBYTE}

_HOST: Final = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[0-9]{1,5})?"
_PATH: Final = r"[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*"
IMAGE_PATTERN: Final = (
    rf"^({_HOST}/)?{_PATH}(/{_PATH})*(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(@sha256:[0-9a-f]{{64}})?$"
)
"""A reference as a kubelet and a registry read it (distribution/reference, regexp.go)."""
HEADER_NAME_PATTERN: Final = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
"""A token of RFC 9110, section 5.6.2; a route of the Gateway API takes 256 characters (HTTPHeaderName)."""
HEADER_VALUE_PATTERN: Final = r"^[!-~]([\t -~]*[!-~])?$"
"""A field value of RFC 9110, section 5.5, without the bytes beyond ASCII that it calls opaque."""
TAG_VALUE_PATTERN: Final = r"^[A-Za-z0-9_.:/=+@-]([A-Za-z0-9 _.:/=+@-]*[A-Za-z0-9_.:/=+@-])?$"
"""Form of a tag's value that every AWS service takes (Tagging AWS Resources, tag naming limits), in ASCII."""
CONTEXT_PATTERN: Final = r"^[!-~]([ -~]*[!-~])?$"
NAMESPACE_PATTERN: Final = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
MEMORY_PATTERN: Final = r"^[1-9][0-9]*(Mi|Gi)$"
CPU_PATTERN: Final = r"^[1-9][0-9]*m?$"
LABEL_NAME_PATTERN: Final = r"^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"
LABEL_VALUE_PATTERN: Final = r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$"
VERSION_PATTERN: Final = r"^1\.[1-9][0-9]?$"
INSTANCE_CLASS_PATTERN: Final = r"^db\.[a-z0-9]+\.[a-z0-9]+$"
NODE_TYPE_PATTERN: Final = r"^cache\.[a-z0-9]+\.[a-z0-9]+$"
GROUP_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9:._/@-]{0,127}$"
VPC_PATTERN: Final = r"^vpc-[0-9a-f]{8,17}$"
SUBNET_PATTERN: Final = r"^subnet-[0-9a-f]{8,17}$"
SECURITY_GROUP_PATTERN: Final = r"^sg-[0-9a-f]{8,17}$"
PRICE_PATTERN: Final = r"^price_[A-Za-z0-9]+$"
"""Stripe API reference, "The Price object"."""
SERVER_ADDRESS_PATTERN: Final = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$"
ACCOUNT_PATTERN: Final = r"^[0-9]{12}$"
OIDC_PROVIDER_PATTERN: Final = r"^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/\S+$"

IN_WORDS: Final = MappingProxyType(
    {
        DOMAIN_PATTERN: "a domain name such as contentgen.example.org",
        EMAIL_PATTERN: "an e-mail address such as team@example.org",
        NAMESPACE_PATTERN: "a name of a namespace: at most 63 small letters, digits and -, such as content-generation",
        OBJECT_NAME: "a name of Kubernetes: small letters, digits, - and ., such as writer-keys",
        IMAGE_PATTERN: "a reference to an image: [registry/]name[:tag][@sha256:<64 hexadecimal digits>]",
        HEADER_NAME_PATTERN: "a header's name: letters, digits and !#$%&'*+-.^_`|~ (RFC 9110)",
        HEADER_VALUE_PATTERN: "a header's value: visible ASCII, blanks within it, no line break (RFC 9110)",
        TAG_VALUE_PATTERN: "a value that AWS takes in a tag: letters, digits, _.:/=+@- and blanks within it",
        CONTEXT_PATTERN: "the name of a context in the kubeconfig, without a blank at either end",
        MEMORY_PATTERN: "memory in Mi or Gi, such as 512Mi",
        CPU_PATTERN: "cores or thousandths of one, such as 2 or 500m",
        LABEL_NAME_PATTERN: "a label's name of Kubernetes, such as release or example.org/team",
        LABEL_VALUE_PATTERN: "a label's value of Kubernetes: up to 63 letters, digits, -, _ and .",
        VERSION_PATTERN: "a version of Kubernetes such as 1.31",
        INSTANCE_CLASS_PATTERN: "a class of RDS such as db.t4g.medium",
        NODE_TYPE_PATTERN: "a node type of ElastiCache such as cache.t4g.medium",
        GROUP_PATTERN: "a group as the cluster's identity provider names it: letters, digits and :._/@-",
        VPC_PATTERN: "the id of a VPC such as vpc-0123456789abcdef0",
        SUBNET_PATTERN: "the id of a subnet such as subnet-0123456789abcdef0",
        SECURITY_GROUP_PATTERN: "the id of a security group such as sg-0123456789abcdef0",
        PRICE_PATTERN: "the id of a price at Stripe such as price_1MoBy5LkdIwHu7ix",
        SERVER_ADDRESS_PATTERN: "the address of a server such as http://comfyui.render.svc:8188",
        ACCOUNT_PATTERN: "the 12 digits of an AWS account",
        OIDC_PROVIDER_PATTERN: "the ARN of the cluster's identity provider: arn:aws:iam::ACCOUNT:oidc-provider/HOST",
    }
)
"""Description of each pattern, as an error says it."""


def _comes(expression: str) -> str:
    """Raises ValueError for a cron expression that Kubernetes refuses, or that never comes."""
    moments(expression)
    return expression


Domain = Annotated[str, StringConstraints(pattern=DOMAIN_PATTERN, max_length=DOMAIN_LENGTH)]
Email = Annotated[str, StringConstraints(pattern=EMAIL_PATTERN, max_length=254)]
Schedule = Annotated[str, AfterValidator(_comes)]
Image = Annotated[str, StringConstraints(pattern=IMAGE_PATTERN, max_length=255)]
HeaderName = Annotated[str, StringConstraints(pattern=HEADER_NAME_PATTERN, max_length=256)]
HeaderValue = Annotated[str, StringConstraints(pattern=HEADER_VALUE_PATTERN, max_length=4096)]
TagValue = Annotated[str, StringConstraints(pattern=TAG_VALUE_PATTERN, max_length=63)]
KubeContext = Annotated[str, StringConstraints(pattern=CONTEXT_PATTERN, max_length=253)]
Memory = Annotated[str, StringConstraints(pattern=MEMORY_PATTERN)]
LabelName = Annotated[str, StringConstraints(pattern=LABEL_NAME_PATTERN)]
LabelValue = Annotated[str, StringConstraints(pattern=LABEL_VALUE_PATTERN)]
NamespaceName = Annotated[str, StringConstraints(pattern=NAMESPACE_PATTERN)]
Cpu = Annotated[str, StringConstraints(pattern=CPU_PATTERN)]


class Model(BaseModel):
    """Strict and frozen; an unknown key is an error, because a misspelt key must not be silently ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


def memory_bytes(quantity: str) -> int | None:
    """Bytes of a quantity such as 512Mi; None when it is not one."""
    found = re.fullmatch(r"([0-9]+)(Mi|Gi)", quantity)
    return int(found[1]) * QUANTITY_UNITS[found[2]] if found else None
