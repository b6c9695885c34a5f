"""The strict schemas of Kubernetes' own kinds, each read once and each different object checked once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache

import kubernetes_validate
from kubernetes_validate import utils

VERSION = kubernetes_validate.latest_version()
# The validator reads its two megabytes of schemas anew for every object, which takes nine tenths of its time.
utils.schema_contents = cache(utils.schema_contents)
utils.all_versions = cache(utils.all_versions)


def validate(manifest: Mapping[str, object], version: str = VERSION) -> None:
    """Raises kubernetes_validate.ValidationError for an unknown field or a wrong type."""
    _validate(json.dumps(manifest, sort_keys=True), version)


@cache
def _validate(manifest: str, version: str) -> None:
    kubernetes_validate.validate(json.loads(manifest), version, strict=True)
