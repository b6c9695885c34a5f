"""Drives a provider process over gRPC as the Pulumi engine does: check, diff, create, read, update, delete."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localcloud.provider.values import DEFAULTS, Properties, Value, from_struct, reveal_all, to_struct

SEED = b"a seed of the engine"
STACK, PROJECT = "test", "contract"


@dataclass(frozen=True)
class Made:
    """A resource the driver created: what the engine would keep in its state file."""

    token: str
    urn: str
    id: str
    inputs: Properties
    state: Properties

    @property
    def plain(self) -> Properties:
        """The outputs without secret marks."""
        return reveal_all(self.state)

    def text(self, name: str) -> str:
        """One output as text."""
        return str(self.plain[name])


@dataclass(frozen=True)
class Checked:
    """Answer of Check."""

    inputs: Properties
    failures: dict[str, str]


@dataclass(frozen=True)
class Driver:
    """One configured provider."""

    stub: provider_pb2_grpc.ResourceProviderStub
    process: subprocess.Popen[str]

    def configure(self, settings: Properties) -> None:
        """Hand over the configuration."""
        self.stub.Configure(provider_pb2.ConfigureRequest(args=to_struct(settings), acceptSecrets=True))

    def changed_settings(self, olds: Properties, news: Properties) -> tuple[str, ...]:
        """Settings of the provider that the engine is told to change; none of them may replace a resource."""
        asked = provider_pb2.DiffRequest(olds=to_struct(olds), old_inputs=to_struct(olds), news=to_struct(news))
        found = self.stub.DiffConfig(asked)
        assert not found.replaces
        assert (found.changes == provider_pb2.DiffResponse.DIFF_SOME) == bool(found.diffs)
        return tuple(found.diffs)

    def check(
        self, token: str, name: str, news: Properties, olds: Properties | None = None, seed: bytes = SEED
    ) -> Checked:
        """Check inputs, as before every other step."""
        answer = self.stub.Check(
            provider_pb2.CheckRequest(
                urn=urn_of(token, name), news=to_struct(news), olds=to_struct(olds or {}), randomSeed=seed
            )
        )
        return Checked(from_struct(answer.inputs), {one.property: one.reason for one in answer.failures})

    def valid(self, token: str, name: str, news: Properties, olds: Properties | None = None) -> Properties:
        """Check inputs that have to be right."""
        checked = self.check(token, name, news, olds)
        assert checked.failures == {}, checked.failures
        return checked.inputs

    def preview(self, token: str, name: str, news: Properties) -> Properties:
        """The outputs a preview of the creation shows."""
        request = provider_pb2.CreateRequest(
            urn=urn_of(token, name), properties=to_struct(self.valid(token, name, news)), preview=True
        )
        return from_struct(self.stub.Create(request).properties)

    def create(self, token: str, name: str, news: Properties) -> Made:
        """Check and create."""
        inputs, urn = self.valid(token, name, news), urn_of(token, name)
        answer = self.stub.Create(provider_pb2.CreateRequest(urn=urn, properties=to_struct(inputs)))
        return Made(token, urn, answer.id, inputs, from_struct(answer.properties))

    def diff(self, made: Made, news: Properties) -> provider_pb2.DiffResponse:
        """Check and compare with what was deployed."""
        inputs = self.valid(made.token, _name(made.urn), news, made.inputs)
        return self.stub.Diff(
            provider_pb2.DiffRequest(
                id=made.id,
                urn=made.urn,
                olds=to_struct(made.state),
                old_inputs=to_struct(made.inputs),
                news=to_struct(inputs),
            )
        )

    def update(self, made: Made, news: Properties, *, preview: bool = False) -> Made:
        """Check and change in place."""
        inputs = self.valid(made.token, _name(made.urn), news, made.inputs)
        answer = self.stub.Update(
            provider_pb2.UpdateRequest(
                id=made.id,
                urn=made.urn,
                olds=to_struct(made.state),
                old_inputs=to_struct(made.inputs),
                news=to_struct(inputs),
                preview=preview,
            )
        )
        return Made(made.token, made.urn, made.id, inputs, from_struct(answer.properties))

    def refresh(self, made: Made) -> Made | None:
        """Read what is there now; None when it is gone."""
        answer = self.stub.Read(
            provider_pb2.ReadRequest(
                id=made.id, urn=made.urn, properties=to_struct(made.state), inputs=to_struct(made.inputs)
            )
        )
        if not answer.id:
            return None
        return Made(made.token, made.urn, answer.id, from_struct(answer.inputs), from_struct(answer.properties))

    def adopt(self, token: str, name: str, resource_id: str) -> Made | None:
        """Import: read with an id and nothing else."""
        return self.refresh(Made(token, urn_of(token, name), resource_id, {}, {}))

    def delete(self, made: Made) -> None:
        """Remove it."""
        self.stub.Delete(
            provider_pb2.DeleteRequest(
                id=made.id, urn=made.urn, properties=to_struct(made.state), old_inputs=to_struct(made.inputs)
            )
        )

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """Call a function."""
        answer = self.stub.Invoke(provider_pb2.InvokeRequest(tok=token, args=to_struct(arguments)))
        return from_struct(getattr(answer, "return"))


@contextmanager
def provider_process(module: str) -> Iterator[Driver]:
    """A provider as the engine starts it: the port on its first line of output, an end by signal."""
    process = subprocess.Popen(
        [sys.executable, "-m", module], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Driver(provider_pb2_grpc.ResourceProviderStub(channel), process)
    finally:
        process.terminate()
        process.communicate(timeout=10)


def urn_of(token: str, name: str) -> str:
    """The engine's name of a resource."""
    return f"urn:pulumi:{STACK}::{PROJECT}::{token}::{name}"


def declared(inputs: Properties) -> Properties:
    """Inputs as the program writes them: without what Check filled in."""
    filled = inputs.get(DEFAULTS)
    own: list[Value] = filled if isinstance(filled, list) else []
    return {key: value for key, value in inputs.items() if key not in (DEFAULTS, "tagsAll") and key not in own}


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]
