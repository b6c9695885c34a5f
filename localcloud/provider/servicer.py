"""The gRPC face of a provider: messages in, messages out, errors as the engine wants them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Generic, TypeVar

import grpc
from google.protobuf import empty_pb2, struct_pb2

from localcloud.provider import lifecycle
from localcloud.provider.block import Block, WrongShape
from localcloud.provider.check import Naming, filled, problems
from localcloud.provider.diff import Change, difference
from localcloud.provider.lifecycle import HalfMade, Thing
from localcloud.provider.protocol import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2
from localcloud.provider.resource import Provider, ProviderError, ResourceType, Scope
from localcloud.provider.values import (
    Properties,
    UnsupportedValue,
    from_struct,
    holds_unknown,
    redact,
    reveal_all,
    to_struct,
)

Request = TypeVar("Request")
Response = TypeVar("Response")
Method = Callable[["Servicer[Scope]", Request, grpc.ServicerContext], Response]

STRUCT_FIELDS = ("properties", "inputs", "olds", "news", "old_inputs", "args")
EXPECTED = (ProviderError, UnsupportedValue, WrongShape)


class _Status(grpc.Status):
    """A gRPC status with details; the class exists because grpc only declares the interface."""

    def __init__(self, message: str, details: status_pb2.Status) -> None:
        self.code = grpc.StatusCode.UNKNOWN
        self.details = message
        self.trailing_metadata = (("grpc-status-details-bin", details.SerializeToString()),)


def _answering(method: Method) -> Method:
    """Turn exceptions into gRPC errors, with the secrets of the request taken out of every message."""

    @wraps(method)
    def answer(self: Servicer[Scope], request: Request, context: grpc.ServicerContext) -> Response:
        try:
            return method(self, request, context)
        except HalfMade as failure:
            context.abort_with_status(_half_made_status(failure, _redacted(request, failure.reason)))
        except EXPECTED as refusal:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, _redacted(request, str(refusal)))
        except Exception as defect:  # noqa: BLE001  grpc would answer with the message as it is, secrets and all
            message = f"defect in the provider, {type(defect).__name__} in {method.__name__}: {defect}"
            context.abort(grpc.StatusCode.INTERNAL, _redacted(request, message))
        raise AssertionError("grpc's abort returned")

    return answer


class Servicer(provider_pb2_grpc.ResourceProviderServicer, Generic[Scope]):
    """Serves one `Provider` to the engine."""

    def __init__(self, provider: Provider[Scope]) -> None:
        self.provider = provider

    @_answering
    def Handshake(self, request, context) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    @_answering
    def GetPluginInfo(self, request, context) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self.provider.version)

    @_answering
    def GetSchema(self, request, context) -> provider_pb2.GetSchemaResponse:
        """A schema of names only: the SDK packages already exist, nothing is generated from this one."""
        schema = {
            "name": self.provider.name,
            "version": self.provider.version,
            "resources": {token: {} for token in sorted(self.provider.types)},
        }
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    @_answering
    def CheckConfig(self, request, context) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    @_answering
    def DiffConfig(self, request, context) -> provider_pb2.DiffResponse:
        """A changed setting of the provider never replaces the resources made through it. Without a difference the
        engine goes on with the settings of the last update, such as its default tags.
        """
        before = reveal_all(from_struct(request.old_inputs) or from_struct(request.olds))
        after = reveal_all(from_struct(request.news))
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some if changed else none, diffs=changed)

    @_answering
    def Configure(self, request, context) -> provider_pb2.ConfigureResponse:
        settings = from_struct(request.args) or {
            key.rpartition(":")[2]: value for key, value in request.variables.items()
        }
        if not holds_unknown(settings):
            self.provider.configure(reveal_all(settings))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    @_answering
    def Check(self, request, context) -> provider_pb2.CheckResponse:
        resource = self._type(request.urn)
        naming = _naming(request)
        inputs = filled(resource, from_struct(request.news), from_struct(request.olds), naming)
        inputs = self.provider.fill(resource, inputs)
        failures = [
            provider_pb2.CheckFailure(property=problem.property, reason=redact(problem.reason, inputs))
            for problem in problems(resource, inputs)
        ]
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=failures)

    @_answering
    def Diff(self, request, context) -> provider_pb2.DiffResponse:
        olds = from_struct(request.old_inputs) or from_struct(request.olds)
        found = difference(self._type(request.urn), olds, from_struct(request.news), from_struct(request.olds))
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some if found.changes else none,
            replaces=sorted({_root(change.path) for change in found.changes if change.replaces}),
            diffs=sorted({_root(change.path) for change in found.changes}),
            deleteBeforeReplace=found.delete_first,
            detailedDiff={change.path: _detail(change) for change in found.changes},
            hasDetailedDiff=True,
        )

    @_answering
    def Create(self, request, context) -> provider_pb2.CreateResponse:
        resource, inputs = self._type(request.urn), from_struct(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=to_struct(lifecycle.planned(resource, inputs, {})))
        thing = lifecycle.create(self.provider, resource, request.urn, inputs)
        return provider_pb2.CreateResponse(id=thing.id, properties=to_struct(thing.state))

    @_answering
    def Read(self, request, context) -> provider_pb2.ReadResponse:
        last = Thing(request.id, from_struct(request.properties), from_struct(request.inputs))
        thing = lifecycle.read(self.provider, self._type(request.urn), request.urn, last)
        if thing is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=thing.id, properties=to_struct(thing.state), inputs=to_struct(thing.inputs))

    @_answering
    def Update(self, request, context) -> provider_pb2.UpdateResponse:
        resource, inputs = self._type(request.urn), from_struct(request.news)
        last = Thing(request.id, from_struct(request.olds), from_struct(request.old_inputs))
        if request.preview:
            return provider_pb2.UpdateResponse(properties=to_struct(lifecycle.planned(resource, inputs, last.state)))
        thing = lifecycle.update(self.provider, resource, request.urn, last, inputs)
        return provider_pb2.UpdateResponse(properties=to_struct(thing.state))

    @_answering
    def Delete(self, request, context) -> empty_pb2.Empty:
        last = Thing(request.id, from_struct(request.properties), from_struct(request.old_inputs))
        lifecycle.delete(self.provider, self._type(request.urn), request.urn, last)
        return empty_pb2.Empty()

    @_answering
    def Invoke(self, request, context) -> provider_pb2.InvokeResponse:
        arguments = Block(reveal_all(from_struct(request.args)))
        answer = self.provider.invoke(request.tok, arguments)
        return provider_pb2.InvokeResponse(**{"return": to_struct(answer)})

    @_answering
    def Attach(self, request, context) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    @_answering
    def Cancel(self, request, context) -> empty_pb2.Empty:
        """Every call of ours is short; the engine stops sending new ones, so there is nothing to interrupt."""
        return empty_pb2.Empty()

    def _type(self, urn: str) -> ResourceType[Scope]:
        token = urn.split("::")[2].rpartition("$")[2]
        if token not in self.provider.types:
            known = ", ".join(sorted(self.provider.types))
            raise ProviderError(
                f"{token}: the {self.provider.name} stand-in has no such resource type; it has {known}. "
                f"Add an entry to its table, or use the official plugin"
            )
        return self.provider.types[token]


def _naming(request: provider_pb2.CheckRequest) -> Naming:
    options = provider_pb2.CheckRequest.AutonamingOptions
    told = request.autonaming if request.HasField("autonaming") else options()
    return Naming(
        logical_name=request.urn.rpartition("::")[2],
        seed=request.randomSeed,
        proposed=told.proposed_name,
        disabled=told.mode == options.DISABLE,
    )


def _root(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _detail(change: Change) -> provider_pb2.PropertyDiff:
    kind = change.kind.upper() + ("_REPLACE" if change.replaces else "")
    return provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.Kind.Value(kind), inputDiff=True)


def _redacted(request: Request, message: str) -> str:
    structs = [getattr(request, name) for name in STRUCT_FIELDS if hasattr(request, name)]
    sources: list[Properties] = [_readable(struct) for struct in structs if isinstance(struct, struct_pb2.Struct)]
    return redact(message, *sources)


def _readable(struct: struct_pb2.Struct) -> Properties:
    try:
        return from_struct(struct)
    except UnsupportedValue:
        return {}


def _half_made_status(failure: HalfMade, reason: str) -> _Status:
    thing = failure.thing
    failed = provider_pb2.ErrorResourceInitFailed(
        id=thing.id, properties=to_struct(thing.state), inputs=to_struct(thing.inputs), reasons=[reason]
    )
    details = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason)
    details.details.add().Pack(failed)
    return _Status(reason, details)
