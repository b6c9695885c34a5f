"""Public access to a region: its certificate, and its edge by the Gateway API or ingress-nginx."""

from __future__ import annotations

from typing import Final

import pulumi

from components.certificate import Certificate, CertificateArgs
from components.edge import Edge, EdgeArgs
from components.edge_ingress import IngressEdge
from components.service_role import ServiceRole, ServiceRoleArgs
from infra.catalog.regions import Region
from infra.settings.edge import EdgeKind
from stacks.identity.iam_grants import certificate_grants
from stacks.networking.dns_routing import public_names
from stacks.plan import StackPlan
from stacks.specs.network import SERVICE_PORT

ISSUER_ACCOUNT: Final = "certificate"


def declare_edge(
    name: str, plan: StackPlan, region: Region, zone: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> None:
    """Declares certificate and edge. Both forms of edge take the same description."""
    settings = plan.settings
    role = _issuer_role(f"{name}-issuer", plan, region, zone, opts)
    certificate = Certificate(
        f"{name}-certificate",
        CertificateArgs(
            namespace=plan.namespace,
            product=plan.product,
            names=tuple(dict.fromkeys((*public_names(settings.domain, region), *settings.edge.certificate_names))),
            domain=settings.domain,
            zone=zone,
            region=region.code,
            role=role,
            account=ISSUER_ACCOUNT,
            issuer=(settings.controllers.certificates, settings.controllers.issuer_account),
            email=settings.edge.certificate_email,
        ),
        opts,
    )
    args = EdgeArgs(
        namespace=plan.namespace,
        product=plan.product,
        gateway_class=settings.controllers.gateway_class,
        region=region.code,
        certificate=certificate.secret,
        hosts=plan.hosts[region.code],
        backend_port=SERVICE_PORT,
        headers=settings.security_headers,
        health_backend=plan.blueprint.routes.health,
        instances=plan.profile.edge_instances,
        affinity={
            service: one.affinity for one in plan.workloads for service in one.services if one.affinity is not None
        },
    )
    if settings.edge.kind is EdgeKind.INGRESS:
        IngressEdge(name, args, opts)
    else:
        Edge(name, args, opts)


def _issuer_role(
    name: str, plan: StackPlan, region: Region, zone: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> pulumi.Output[str] | None:
    """The role by which cert-manager proves the domain; None on the embedded cloud, whose clusters issue nothing.

    A namespaced Issuer never uses the controller's own identity (cert-manager documentation,
    ``--issuer-ambient-credentials``), so a real deployment without an identity provider is refused beforehand.
    """
    provider = plan.cluster(region).oidc_provider
    if provider is None:
        return None
    return ServiceRole(
        name, ServiceRoleArgs(plan.namespace, ISSUER_ACCOUNT, provider, certificate_grants(zone)), opts
    ).arn
