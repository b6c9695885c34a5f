"""One small stack that every rule passes, resource by resource. Documents show it, and tests break it in one place.

What a file of this folder has in ``EXAMPLES`` is found.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from policies.rule import Resource

_MODULES: Final = [importlib.import_module(one.name) for one in pkgutil.iter_modules(__path__, f"{__name__}.")]
COMPLIANT: Final[Mapping[str, Resource]] = MappingProxyType(
    {name: one for module in _MODULES for name, one in getattr(module, "EXAMPLES", {}).items()}
)
"""By the name that a rule's breaks call it."""
