"""The shapes of single values in a stack file, and what all its sections are. No I/O."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

from infra.limits import GIBIBYTE, MEBIBYTE

DOMAIN_PATTERN: Final = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$"
CRON_PATTERN: Final = r"^(\S+\s+){4}\S+$"
EMAIL_PATTERN: Final = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
OBJECT_NAME: Final = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
QUANTITY_UNITS: Final = {"Mi": MEBIBYTE, "Gi": GIBIBYTE}

Domain = Annotated[str, StringConstraints(pattern=DOMAIN_PATTERN)]
Email = Annotated[str, StringConstraints(pattern=EMAIL_PATTERN)]
Schedule = Annotated[str, StringConstraints(pattern=CRON_PATTERN)]
Memory = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(Mi|Gi)$")]
LabelName = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$")
]
LabelValue = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$")]
Cpu = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*m?$")]


class Model(BaseModel):
    """Strict and frozen; an unknown key is an error, because a misspelt key must not be silently ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


def memory_bytes(quantity: str) -> int | None:
    """Bytes of a quantity such as 512Mi; None when it is not one."""
    found = re.fullmatch(r"([0-9]+)(Mi|Gi)", quantity)
    return int(found[1]) * QUANTITY_UNITS[found[2]] if found else None
