"""Public edge of a region: kind, certificate, requests of an address."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from infra.settings.value_types import Domain, Email, Model


class EdgeKind(StrEnum):
    """Kind of a cluster's edge: the Gateway API, or ingress-nginx where it is still in use."""

    GATEWAY = "gateway"
    INGRESS = "ingress"


class EdgeSettings(Model):
    """Load balancer, gateway and certificate of a region's public edge (requirement K14)."""

    kind: EdgeKind = Field(EdgeKind.GATEWAY, strict=False, description="gateway, or ingress for ingress-nginx")
    certificate_names: tuple[Domain, ...] = Field(
        (), strict=False, description="names beside the API's and the front end's that the certificate is for"
    )
    certificate_email: Email | None = Field(None, description="who the certificate authority writes to")


class RateSettings(Model):
    """Requests that one client address may send where its key has no tier (requirements A10, E05); the application's
    own limits unless stated.
    """

    requests_per_minute: int | None = Field(
        None, ge=1, description="requests of one address a minute; 100 unless stated, blog-ai has 60"
    )
    requests_per_hour: int | None = Field(None, ge=1, description="requests of one address an hour; 1000 unless stated")
    generations_per_minute: int | None = Field(
        None, ge=1, description="texts that one address asks for a minute; 10 unless stated"
    )
