"""The SDK's packages without what they import first: docs/decisions/lean-imports.md says why.

The pack needs the SDK's messages and proxies, and ``import pulumi`` runs all that programs are made with. Behind this
finder the packages on the way are empty at first. A module that is listed is imported alone; any other name makes its
package whole, beginning with the packages around it, as an ordinary import does.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder
else:
    # To import what they inherit from takes as long as a package that is left out, and neither adds what is used.
    Loader = MetaPathFinder = object

LEAN: Final[Mapping[str, tuple[str, ...]]] = {
    "grpc.aio": (),
    "pulumi": ("runtime",),
    "pulumi.runtime": ("proto",),
    "pulumi.runtime.proto": ("analyzer_pb2", "analyzer_pb2_grpc", "plugin_pb2"),
    "pulumi_policy": ("deserialize", "policy", "proxy", "secret", "version"),
}
"""Packages that stay empty, and their modules that stand alone or make the rest whole by themselves."""


def install() -> None:
    """Puts the finder before the others, once. For the process of the pack: what was imported earlier stays whole."""
    if not any(isinstance(finder, LeanFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, LeanFinder())


class LeanFinder(MetaPathFinder):
    """Finds the listed packages. A module below one of them that is not listed finds its package whole; all others are
    left to the finders behind it.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.rpartition(".")
        if fullname not in LEAN:
            return None if name in LEAN.get(package, (name,)) else _of_whole(package, fullname)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.loader:
            spec.loader = LeanLoader(spec.loader)
        return spec


def _of_whole(package: str, fullname: str) -> ModuleSpec | None:
    """The module that its package imported by the way, which is not made a second time."""
    if not is_lean(sys.modules[package]):
        return None
    complete(sys.modules[package])
    made = sys.modules.get(fullname)
    return None if made is None else ModuleSpec(fullname, _Made(made))


class _Made(Loader):
    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """The module ran when its package did."""


class LeanLoader(Loader):
    """Leaves a package empty until a name of it is asked for."""

    def __init__(self, whole: Loader) -> None:
        self._whole = whole

    def create_module(self, spec: ModuleSpec) -> None:
        """The ordinary module."""

    def exec_module(self, module: ModuleType) -> None:
        def attribute(name: str) -> object:
            if name.startswith("__"):
                raise AttributeError(name)
            if name in LEAN[module.__name__]:
                return importlib.import_module(f"{module.__name__}.{name}")
            complete(module)
            return getattr(module, name)

        vars(module)["__getattr__"] = attribute

    def run(self, module: ModuleType) -> None:
        """Runs the package as it is."""
        self._whole.exec_module(module)


def is_lean(module: ModuleType) -> bool:
    """True if nothing of a package has run yet."""
    return "__getattr__" in vars(module) and module.__name__ in LEAN


def complete(module: ModuleType) -> None:
    """Makes a package whole, after the one that it is in."""
    outer = sys.modules.get(module.__name__.rpartition(".")[0])
    if outer is not None and is_lean(outer):
        complete(outer)
    spec = module.__spec__
    if is_lean(module) and spec and isinstance(spec.loader, LeanLoader):
        del vars(module)["__getattr__"]
        spec.loader.run(module)
