"""Web research and pictures of the product that has them."""

from __future__ import annotations

from pydantic import Field

from infra.settings.value_types import OBJECT_NAME, Model


class ResearchSettings(Model):
    """Keys of search engines and of the maker of pictures (requirement E14). Texts are written without where there are
    none, and on the embedded cloud.
    """

    secret: str | None = Field(
        None,
        pattern=OBJECT_NAME,
        description="Kubernetes Secret with any of tavily_api_key, serp_api_key and stability_api_key, made by the"
        " keys' owner",
    )
