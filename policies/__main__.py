"""Starts the pack. Rules live in importable modules, because making a PolicyPack starts a server that never returns."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import EnforcementLevel, PolicyPack  # noqa: E402

from policies.pack import NAME, RULES  # noqa: E402

PolicyPack(NAME, policies=list(RULES), enforcement_level=EnforcementLevel.MANDATORY)
