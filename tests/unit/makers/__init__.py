"""Makers of every component, each with the fewest arguments, and the type tokens of their classes: what a file of this
folder has in ``MAKERS`` and ``TOKENS`` is found.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

REGION = "us-east-1"
_FOUND = [importlib.import_module(one.name) for one in pkgutil.iter_modules(__path__, f"{__name__}.")]
MAKERS: dict[str, Callable[[str], object]] = {name: make for one in _FOUND for name, make in one.MAKERS.items()}
TOKENS: dict[str, str] = {name: token for one in _FOUND for name, token in one.TOKENS.items()}
"""State files hold these: a changed token without an alias replaces every child."""
