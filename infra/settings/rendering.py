"""Rendering of videos by a ComfyUI server, and features that a stack switches (product video-gateway)."""

from __future__ import annotations

import json
from typing import Final

from pydantic import Field, field_validator

from infra.settings.value_types import SERVER_ADDRESS_PATTERN, Model

WORKFLOW_BYTES: Final = 100_000
"""Largest workflow: a config map takes 1 MiB in all (Kubernetes, ConfigMap)."""


class RendererSettings(Model):
    """The ComfyUI server that renders. Without one the service draws its own pictures, without a GPU."""

    comfyui_url: str | None = Field(
        None,
        pattern=SERVER_ADDRESS_PATTERN,
        description="address of the ComfyUI server, such as http://comfyui.render.svc:8188",
    )
    workflow: str | None = Field(
        None,
        max_length=WORKFLOW_BYTES,
        description="workflow in ComfyUI's API format, as JSON text; default: the service's own",
    )

    @field_validator("workflow")
    @classmethod
    def _nodes(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            nodes = json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f"is no JSON: {error.msg} at character {error.pos}") from None
        valid = isinstance(nodes, dict) and all(isinstance(one, dict) and "class_type" in one for one in nodes.values())
        if not valid:
            raise ValueError("must be an object of nodes that each have a class_type; export it in API format")
        return value
