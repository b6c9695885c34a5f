"""Groups of people with access to a stack's clusters, and networks with access to its administration."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from infra.settings.clusters import Network
from infra.settings.value_types import GROUP_PATTERN, Model


def _ordinary(group: str) -> str:
    """Raises ValueError for one of Kubernetes' own groups: some of them hold every user, one is the administrator."""
    if group.startswith("system:"):
        raise ValueError(f"{group} is one of Kubernetes' own groups; name a group of people")
    return group


Group = Annotated[str, StringConstraints(pattern=GROUP_PATTERN), AfterValidator(_ordinary)]

Groups = Annotated[tuple[Group, ...], Field(strict=False)]


class AccessSettings(Model):
    """Groups of people as the cluster's identity provider names them (requirement S08). What each may do is the
    environment's business; a team without access there is an error.
    """

    engineers: Groups = Field((), description="who builds the service")
    quality: Groups = Field((), description="who tests it; staging only")
    operations: Groups = Field((), description="who runs it; prod only")
    break_glass: Groups = Field((), description="who may open a shell in prod, and so read secrets, in an emergency")

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        every = [*self.engineers, *self.quality, *self.operations, *self.break_glass]
        twice = sorted({group for group in every if every.count(group) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is listed twice: a group would have the rights of both teams")
        return self


class AdminSettings(Model):
    """From where the service is administered over its public API (requirements A11, D02); nowhere unless stated."""

    networks: tuple[Network, ...] = Field(
        (), strict=False, description="addresses and networks that reach /admin/, with the administrator's token"
    )
