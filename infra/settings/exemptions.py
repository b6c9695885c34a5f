"""Exemptions from policies (requirement Y06): read from one file, each with owner, reason and the day it ends. Those in
force reach the policy pack with its configuration; it reports them in every run and refuses expired ones.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from infra.settings.errors import SettingsError, described

EXEMPTIONS: Final = Path("policies/exemptions.yaml")


class Exemption(BaseModel):
    """One resource that may break one rule for a while: a name with its ``type``, or a URN."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str = Field(min_length=1, description="Name of the rule.")
    stacks: tuple[str, ...] = Field(min_length=1, description="Stacks that the exemption holds for.")
    resource: str = Field(min_length=1, description="Resource name, or its URN.")
    type: str = Field("", description="Resource type; needed with a name.")
    owner: str = Field(min_length=1, description="Team that answers for it.")
    reason: str = Field(min_length=10, description="Reason for the exemption.")
    expires: date = Field(description="Last day that it holds.")

    def configured(self) -> dict[str, str]:
        """The same as the pack's configuration has it."""
        return {
            "resource": self.resource,
            **({"type": self.type} if self.type else {}),
            "owner": self.owner,
            "reason": self.reason,
            "expires": self.expires.isoformat(),
        }


def exemptions(root: Path, stack: str) -> tuple[Exemption, ...]:
    """The exemptions of a stack, in the order of the file. Raises SettingsError with everything wrong in it."""
    return tuple(one for one in parse((root / EXEMPTIONS).read_text()) if stack in one.stacks)


def parse(text: str) -> tuple[Exemption, ...]:
    """Every exemption of the file's text."""
    try:
        return TypeAdapter(tuple[Exemption, ...]).validate_python(yaml.safe_load(text) or [])
    except ValidationError as error:
        raise SettingsError(str(EXEMPTIONS), tuple(described(error, "exemptions"))) from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{EXEMPTIONS}: {error}", ()) from None
