"""Starts the pack. Rules live in importable modules, because making a PolicyPack starts a server that never returns."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import EnforcementLevel, PolicyPack

from policies.pack import NAME, RULES

PolicyPack(NAME, policies=list(RULES), enforcement_level=EnforcementLevel.MANDATORY)
