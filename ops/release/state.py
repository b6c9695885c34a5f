"""Resources in a stack's state, as far as a release reads them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from ops.release.process import StepError
from ops.target import EngineReadError, Target, kept


class Resource(BaseModel):
    """A resource in the state. ``provider`` is the reference of its provider, with that one's name in it."""

    model_config = ConfigDict(frozen=True)

    urn: str
    type: str = ""
    protect: bool = False
    provider: str = ""
    outputs: dict[str, JsonValue] = Field(default_factory=dict)


class _Deployment(BaseModel):
    resources: tuple[Resource, ...] = ()


class _Export(BaseModel):
    deployment: _Deployment


def resources(target: Target) -> tuple[Resource, ...]:
    """The resources that the stack's state holds. Raises StepError where it cannot be read."""
    try:
        return _Export.model_validate_json(kept(target, "export")).deployment.resources
    except (EngineReadError, ValidationError) as error:
        raise StepError(f"{target.stack}: its state cannot be read: {error}") from None
