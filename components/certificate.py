"""The certificate of a region's edge, issued and renewed by cert-manager (requirement K14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_kubernetes import core, rbac
from pulumi_kubernetes.apiextensions import CustomResource

from components.labels import metadata

API: Final = "cert-manager.io/v1"
COMPONENT: Final = "certificate"
AUTHORITY: Final = "https://acme-v02.api.letsencrypt.org/directory"
DURATION: Final = "2160h"
RENEW_BEFORE: Final = "720h"


@dataclass(frozen=True)
class CertificateArgs:
    """One certificate of a region.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    names: host names that it is for.
    domain, zone: Route 53 zone that proves them, by its name and its id.
    region: AWS region that the issuer signs its calls for.
    role, account: AWS role with which the issuer writes records into the zone, and the service account that takes it.
    issuer: namespace and service account of cert-manager.
    email: address that the certificate authority writes to.
    name: name of the Certificate; it is issued into the Secret NAME-certificate.
    authority: name of the Issuer; its own key is in the Secret AUTHORITY-account.
    """

    namespace: str
    product: str
    names: tuple[str, ...]
    domain: str
    zone: pulumi.Input[str]
    region: str
    role: pulumi.Input[str] | None
    account: str
    issuer: tuple[str, str]
    email: str | None
    name: str = "edge"
    authority: str = "acme"


class Certificate(pulumi.ComponentResource):
    """An issuer that proves the domain by DNS records, so that no port must be open first, and the certificate.

    The key is new with every renewal. ``secret`` is a plain value, known at preview.
    """

    secret: str

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:edge:Certificate", name, None, opts)
        self.secret = f"{args.name}-certificate"
        child = pulumi.ResourceOptions(parent=self)
        if args.role is not None:
            core.v1.ServiceAccount(
                f"{name}-account",
                metadata=metadata(COMPONENT, args.product, args.namespace, args.account),
                automount_service_account_token=False,
                opts=child,
            )
            _token_role(name, args, child)
        acme: dict[str, object] = {
            "server": AUTHORITY,
            "privateKeySecretRef": {"name": f"{args.authority}-account"},
            "solvers": [{"selector": {"dnsZones": [args.domain]}, "dns01": {"route53": _route53(args)}}],
        }
        if args.email is not None:
            acme["email"] = args.email
        issuer = CustomResource(
            f"{name}-issuer",
            api_version=API,
            kind="Issuer",
            metadata=metadata(COMPONENT, args.product, args.namespace, args.authority),
            spec={"acme": acme},
            opts=child,
        )
        CustomResource(
            f"{name}-certificate",
            api_version=API,
            kind="Certificate",
            metadata=metadata(COMPONENT, args.product, args.namespace, args.name),
            spec={
                "secretName": self.secret,
                "dnsNames": list(args.names),
                "issuerRef": {"name": args.authority, "kind": "Issuer", "group": "cert-manager.io"},
                "duration": DURATION,
                "renewBefore": RENEW_BEFORE,
                "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
                "usages": ["digital signature", "server auth"],
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[issuer]),
        )
        self.register_outputs({"secret": self.secret})


def _route53(args: CertificateArgs) -> dict[str, object]:
    found: dict[str, object] = {"region": args.region, "hostedZoneID": args.zone}
    if args.role is not None:
        account = {"kubernetes": {"serviceAccountRef": {"name": args.account}}}
        found |= {"role": args.role, "auth": account}
    return found


def _token_role(name: str, args: CertificateArgs, opts: pulumi.ResourceOptions) -> None:
    """Allow cert-manager to request tokens for the issuer's service account (serviceaccounts/token, create)."""
    named = metadata(COMPONENT, args.product, args.namespace, f"{args.account}-token")
    rbac.v1.Role(
        f"{name}-token-role",
        metadata=named,
        rules=[
            rbac.v1.PolicyRuleArgs(
                api_groups=[""],
                resources=["serviceaccounts/token"],
                resource_names=[args.account],
                verbs=["create"],
            )
        ],
        opts=opts,
    )
    rbac.v1.RoleBinding(
        f"{name}-token-binding",
        metadata=named,
        role_ref=rbac.v1.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=f"{args.account}-token"),
        subjects=[rbac.v1.SubjectArgs(kind="ServiceAccount", name=args.issuer[1], namespace=args.issuer[0])],
        opts=opts,
    )
