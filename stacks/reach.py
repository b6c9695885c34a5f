"""Public access to a region: its certificate, and its edge by the Gateway API or ingress-nginx."""

from __future__ import annotations

from typing import Final

import pulumi

from components.certificate import Certificate, CertificateArgs
from components.edge import Edge, EdgeArgs, EdgeHost, Published
from components.edge_ingress import IngressEdge
from components.generation_service import SERVICE_PORT
from components.service_role import ServiceRole, ServiceRoleArgs
from infra.clusters import ClusterSettings
from infra.regions import Region
from infra.sections import EdgeKind
from infra.settings import StackSettings
from stacks.access import certificate_grants
from stacks.products.content_generation import (
    ADMINISTRATION,
    API,
    CALLS,
    FRONTEND,
    MONITORING,
    OTHER_REGIONS,
    PAGE,
    WEBHOOKS,
    content_generation,
)
from stacks.profile import Profile
from stacks.routing import public_names

ISSUER_ACCOUNT: Final = "certificate"


def declare_edge(
    name: str,
    namespace: str,
    region: Region,
    settings: StackSettings,
    profile: Profile,
    zone: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Declares certificate and edge. Both forms of edge take the same description."""
    role = _issuer_role(f"{name}-issuer", namespace, region, settings, zone, opts)
    certificate = Certificate(
        f"{name}-certificate",
        CertificateArgs(
            namespace=namespace,
            product=settings.product.value,
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
        namespace=namespace,
        product=settings.product.value,
        gateway_class=settings.controllers.gateway_class,
        region=region.code,
        certificate=certificate.secret,
        hosts=hosts(settings, region),
        backend_port=SERVICE_PORT,
        headers=settings.security_headers,
        health_backend=API,
        instances=profile.edge_instances,
        sticky=frozenset(one.name for one in content_generation(profile) if one.size.sticky),
    )
    if settings.edge.kind is EdgeKind.INGRESS:
        IngressEdge(name, args, opts)
    else:
        Edge(name, args, opts)


def hosts(settings: StackSettings, region: Region) -> tuple[EdgeHost, ...]:
    """Host names with the service that answers each. The page's own name passes its calls on to the API, so that the
    page needs no other origin; the region's name is for other regions and for health checks.
    """
    page, api, own = public_names(settings.domain, region)
    administration = ADMINISTRATION if settings.admin.networks else ()
    return (
        EdgeHost("site", page, Published.NEAREST, {FRONTEND: PAGE, API: CALLS}),
        EdgeHost("api", api, Published.ELSEWHERE, {API: (*CALLS, *MONITORING, *WEBHOOKS, *administration)}),
        EdgeHost("region", own, Published.ALONE, {API: (*OTHER_REGIONS, *MONITORING)}),
    )


def _issuer_role(
    name: str,
    namespace: str,
    region: Region,
    settings: StackSettings,
    zone: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str] | None:
    """The role by which cert-manager proves the domain; None on the embedded cloud, whose clusters issue nothing.

    A namespaced Issuer never uses the controller's own identity (cert-manager documentation,
    ``--issuer-ambient-credentials``), so a real deployment without an identity provider is refused beforehand.
    """
    provider = settings.clusters.get(region.code, ClusterSettings()).oidc_provider
    if provider is None:
        return None
    return ServiceRole(name, ServiceRoleArgs(namespace, ISSUER_ACCOUNT, provider, certificate_grants(zone)), opts).arn
