"""The SDK's gRPC stubs without the SDK around them.

A provider needs four generated modules of the package `pulumi`; importing the package itself runs the whole SDK, which
takes half a second and ten megabytes in every provider process of every command. So unless a program has the SDK loaded
already, the two packages above the stubs are entered as bare folders while the stubs load, and taken out again: a later
import of `pulumi` gets the real one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


@contextmanager
def _stubs_alone() -> Iterator[None]:
    if "pulumi" in sys.modules:
        yield
        return
    spec = find_spec("pulumi")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the Python package pulumi is not installed; the provider's protocol is part of it")
    folder = Path(spec.origin).parent
    for name, path in (("pulumi", folder), ("pulumi.runtime", folder / "runtime")):
        package = ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "pulumi"]:
        del sys.modules[name]


with _stubs_alone():
    from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

__all__ = ["plugin_pb2", "provider_pb2", "provider_pb2_grpc", "status_pb2"]
