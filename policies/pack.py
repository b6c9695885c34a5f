"""The rules of the pack. Mandatory unless a stack's configuration relaxes one (requirement Y06)."""

from __future__ import annotations

from typing import Final

from pulumi_policy import ResourceValidationPolicy

from policies.rules.headers import SECURITY_HEADERS_RULE
from policies.rules.scale import SCALE_LIMITS_RULE

NAME: Final = "contentgen"
RULES: Final[tuple[ResourceValidationPolicy, ...]] = (SECURITY_HEADERS_RULE, SCALE_LIMITS_RULE)
