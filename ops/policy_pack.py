"""The one place where commands meet the policy pack: its configuration for a stack, checked, and its pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from infra.settings.errors import SettingsError, Wrong
from infra.settings.exemptions import EXEMPTIONS, exemptions
from infra.settings.stack import StackSettings
from policies.configuration import ConfigurationError, check
from policies.explaining import Explained, explain
from policies.pack import RULES
from policies.pages import pages
from policies.profiles import PROFILES, Profile
from policies.states import resources
from stacks.policy_config import Values, policy_config

__all__ = ["Explained", "explained", "policy_pages", "policy_profiles", "stack_policy_config"]


def stack_policy_config(root: Path, stack: str, settings: StackSettings) -> dict[str, Values]:
    """The configuration of a stack, exemptions included.

    Raises SettingsError for an exemption from a rule that does not exist: the engine would say nothing, or nothing
    of use.
    """
    config = policy_config(settings, exemptions(root, stack))
    try:
        check(RULES, config)
    except ConfigurationError as error:
        raise SettingsError(
            str(EXEMPTIONS), tuple(Wrong(one, stack, "see docs/policies") for one in error.wrong)
        ) from None
    return config


def explained(root: Path, stack: str, settings: StackSettings, state: str, urn: str, today: date) -> list[Explained]:
    """Verdict of each rule that reads a resource of an exported state, as the stack is configured."""
    config = {name: dict(values) for name, values in stack_policy_config(root, stack, settings).items()}
    return explain(urn, list(resources(json.loads(state))), RULES, config, today)  # type: ignore[arg-type]


def policy_profiles() -> Mapping[str, Profile]:
    """policies/profiles/: configurations for any project, by name."""
    return PROFILES


@cache
def policy_pages() -> dict[Path, str]:
    """docs/policies/: a page a rule, and the list of them."""
    return pages(RULES)
