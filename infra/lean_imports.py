"""The AWS SDK's packages, class by class: docs/decisions/lean-imports.md says why.

``import pulumi_aws.ec2`` runs 182 modules where the program uses four; all the packages in use together were a sixth of
the program's time. Behind this finder such a package is empty at first, and a class is imported from its own module at
its first use. A name without a module of its own, a function for one, still makes the whole package.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import Final

SDK: Final = "pulumi_aws"
SHARED: Final = ("_inputs", "_enums")
"""Module that holds a generated package's classes of no single resource."""


def install() -> None:
    """Put the finder before the others, once; packages that were imported earlier stay whole."""
    if not any(isinstance(finder, LeanFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, LeanFinder())


class LeanFinder(MetaPathFinder):
    """Finds the packages right below the SDK; all other modules are left to the finders behind it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.rpartition(".")[0] != SDK:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.loader and spec.submodule_search_locations:
            spec.loader = _LeanLoader(spec.loader)
        return spec


class _LeanLoader(Loader):
    def __init__(self, whole: Loader) -> None:
        self._whole = whole

    def exec_module(self, module: ModuleType) -> None:
        def attribute(name: str) -> object:
            if name.startswith("__"):
                raise AttributeError(name)
            found = _own(module.__name__, name)
            if found is None:
                vars(module).pop("__getattr__", None)
                self._whole.exec_module(module)
                found = getattr(module, name)
            setattr(module, name, found)
            return found

        vars(module)["__getattr__"] = attribute


def _own(package: str, name: str) -> object | None:
    """A class from its resource's module or from the shared ones, or such a module; None for anything else."""
    if name in (*SHARED, "outputs"):
        return importlib.import_module(f"{package}.{name}")
    resource = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.removesuffix("Args")).lower()
    for module in (resource, *SHARED) if resource != name else ():
        if find_spec(f"{package}.{module}"):
            found = importlib.import_module(f"{package}.{module}")
            if name in found.__all__:
                return getattr(found, name)
    return None
