"""What the policy pack checks a stack for: the same limits and headers that the program deploys, as the pack's
configuration. The pack imports nothing of ours; this file is how a limit reaches it.
"""

from __future__ import annotations

from infra.headers import SECURITY_HEADERS
from infra.limits import GIBIBYTE, LIMITS
from infra.settings import Environment, StackSettings

LEVELS = {
    Environment.LOCAL: "mandatory",
    Environment.DEV: "advisory",
    Environment.STAGING: "mandatory",
    Environment.PROD: "mandatory",
}
"""Requirement Y06: a violation in dev is shown, elsewhere it stops the update."""


def policy_config(settings: StackSettings) -> dict[str, dict[str, object]]:
    """The content of ``--policy-pack-config`` for a stack."""
    limits = LIMITS[settings.product]
    level = LEVELS[settings.environment]
    return {
        "security-headers": {"enforcementLevel": level, "headers": dict(SECURITY_HEADERS)},
        "scale-limits": {
            "enforcementLevel": level,
            "instances": dict(limits.instances),
            "memory": f"{limits.memory_bytes // GIBIBYTE}Gi",
            "storageGb": limits.storage_gb,
            "databaseConnections": limits.database_connections,
        },
    }
