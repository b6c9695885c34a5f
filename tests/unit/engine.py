"""An engine that only writes down what a program declares: no cloud, no plugin, no network, a second for a whole stack.

It answers registrations as providers would, with made-up values for what only a cloud knows, so that outputs flow. It
keeps what the SDK's own mocks throw away: protection, parents, providers and dependencies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeAlias

import pulumi
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import wait_for_rpcs

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | int | bool | None"

PROJECT: Final = "contentgen"
CANARY: Final = "canary-password-that-must-stay-secret"
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
HIDDEN: Final = "[secret]"
UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
MADE_UP: Final = "-abc123"
"""Suffix of a name that a provider makes up."""


@dataclass(frozen=True)
class Declared:
    """One resource as a program declared it. ``inputs`` are in clear, ``visible`` hides what is secret.

    ``formerly`` are the URNs of its aliases, ``before_create`` the names of the hooks that are asked first.
    """

    type: str
    name: str
    urn: str
    parent: str
    provider: str
    protect: bool
    custom: bool
    after: tuple[str, ...]
    formerly: tuple[str, ...]
    before_create: tuple[str, ...]
    inputs: dict[str, Json]
    visible: dict[str, Json]

    def at(self, *path: str | int) -> Json:
        """The input at a path of keys and indexes; None where a step is absent."""
        value: Json = self.inputs
        for step in path:
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value


class RecordingEngine(MockMonitor):
    """The engine's side of one run of a program."""

    def __init__(self, stack: str, *, preview: bool) -> None:
        super().__init__(NoFunctions())
        self.stack = stack
        self.preview = preview
        self.resources: list[Declared] = []  # type: ignore[assignment]

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        parent = request.parent.split("::")[2] if request.parent else ""
        chain = request.type if parent.endswith("pulumi:pulumi:Stack") or not parent else f"{parent}${request.type}"
        urn = f"urn:pulumi:{self.stack}::{PROJECT}::{chain}::{request.name}"
        wire = json_format.MessageToDict(request.object)
        if request.type != "pulumi:pulumi:Stack":
            self.resources.append(
                Declared(
                    type=request.type,
                    name=request.name,
                    urn=urn,
                    parent=request.parent,
                    provider=request.provider,
                    protect=request.protect,
                    custom=request.custom,
                    after=tuple(request.dependencies),
                    formerly=tuple(
                        urn.removesuffix(request.name) + alias.spec.name for alias in request.aliases if alias.spec.name
                    ),
                    before_create=tuple(request.hooks.before_create),
                    inputs=_object(_plain(wire, hide=False)),
                    visible=_object(_plain(wire, hide=True)),
                )
            )
        computed = _computed(request.type, request.name, wire)
        state = {**wire, **({key: _unknown(value) for key, value in computed.items()} if self.preview else computed)}
        for name in request.additionalSecretOutputs:
            if name in state:
                state[name] = {SIGNATURE: SECRET, "value": state[name]}
        id_ = f"{request.name}-id" if request.custom and not self.preview else ""
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=id_, object=json_format.ParseDict(state, struct_pb2.Struct())
        )

    def of(self, type_: str) -> list[Declared]:
        """Every resource whose type ends so, by name: ``Deployment``, ``rds/instance:Instance``."""
        return sorted((one for one in self.resources if one.type.endswith(type_)), key=lambda one: one.name)

    def one(self, type_: str, name: str = "") -> Declared:
        """The only resource of a type whose name ends so."""
        (found,) = (one for one in self.of(type_) if one.name.endswith(name))
        return found


async def _settled() -> None:
    """Until every registration and every output is done. The SDK's own wait looks at all of them again for each one."""
    while True:
        await wait_for_rpcs(await_all_outstanding_tasks=False)
        outputs = list(SETTINGS.outputs)
        if not outputs:
            return
        SETTINGS.outputs.difference_update(outputs)
        done, left = await asyncio.wait(outputs, return_when=asyncio.FIRST_EXCEPTION)
        SETTINGS.outputs.update(left)
        for output in done:
            output.result()


class NoCallbacks:
    """The engine's way back into a program: hooks are taken, and none is ever called."""

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        assert hook.name


class NoFunctions(pulumi.runtime.Mocks):
    """Components declare resources and call no provider functions: a look-up would make previews depend on a cloud."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Json]]:
        raise AssertionError(f"{args.typ} went round the recording engine")

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Json], None]:
        raise AssertionError(f"a component called {args.token}")


def run(program: Callable[[], object], stack: str = "test", *, preview: bool = False) -> RecordingEngine:
    """Runs a program to its end, with every output awaited; what fails in an ``apply`` fails here.

    At a preview nothing is known of what a cloud would compute, as with the real engine.
    """
    engine = RecordingEngine(stack, preview=preview)

    async def inside() -> None:
        # The SDK keeps one set of outputs over all mocked runs; what a failed run left in it would fail the next.
        SETTINGS.outputs = set()
        pulumi.runtime.set_mocks(engine.mocks, project=PROJECT, stack=stack, preview=preview, monitor=engine)
        SETTINGS.callbacks = NoCallbacks()  # type: ignore[assignment]
        program()
        await _settled()

    def alone() -> None:
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            runner.run(inside())

    # The SDK notes the whole call stack of every resource; that of a thread of its own is short.
    with ThreadPoolExecutor(1) as executor:
        executor.submit(alone).result()
    return engine


def _computed(type_: str, name: str, wire: Mapping[str, Json]) -> dict[str, Json]:
    """Values that only a provider would know."""
    if type_.startswith("random:"):
        return {"result": f"{CANARY}-{name}"}
    if type_.startswith("kubernetes:"):
        metadata = _object(wire.get("metadata"))
        return {"metadata": {"name": f"{name}{MADE_UP}", **metadata}}
    return {
        "arn": f"arn:aws:mock:::{name}",
        "keyId": f"{name}-key",
        "bucket": f"{name}-bucket",
        "address": f"{name}.rds.example",
        "identifier": name,
        "primaryEndpointAddress": f"{name}.cache.example",
        "configurationEndpointAddress": f"clustercfg.{name}.cache.example",
        "zoneId": f"{name}-zone",
        "nameServers": [f"ns-{number}.example" for number in range(4)],
        **({"name": name} if "name" not in wire else {}),
    }


def _unknown(value: Json) -> Json:
    """A computed value before there is one. What a manifest says of its own metadata is known all the same."""
    if isinstance(value, dict):
        return {key: UNKNOWN if str(one).endswith(MADE_UP) else one for key, one in value.items()}
    return UNKNOWN


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _plain(value: Json, *, hide: bool) -> Json:
    """A value off the wire: secrets opened or hidden, whole numbers as such."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return HIDDEN if hide else _plain(value.get("value"), hide=hide)
        return {key: _plain(one, hide=hide) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, hide=hide) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
