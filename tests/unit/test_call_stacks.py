"""Source positions of resources as the engine gets them (docs/decisions/call-stacks.md)."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest
from pulumi.runtime import resource
from pulumi.runtime.proto import resource_pb2
from pulumi_kubernetes import core

from infra.call_stacks import declaring_frame, shorten
from tests.unit.engine import RecordingEngine, run


class Pair(pulumi.ComponentResource):
    def __init__(self, name: str) -> None:
        super().__init__("test:test:Pair", name)
        self.secret = core.v1.Secret(f"{name}-secret", opts=pulumi.ResourceOptions(parent=self))


def declare() -> None:
    Pair("one")


def test_each_resource_comes_with_the_line_that_declares_it_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, resource_pb2.RegisterResourceRequest] = {}
    register = RecordingEngine.RegisterResource

    def noted(
        self: RecordingEngine, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        sent[request.name] = request
        return register(self, request)

    monkeypatch.setattr(RecordingEngine, "RegisterResource", noted)
    monkeypatch.setattr(resource, "_get_stack_trace", declaring_frame)
    run(declare)
    lines = Path(__file__).read_text().splitlines()
    for name, text in (("one", 'Pair("one")'), ("one-secret", "core.v1.Secret(")):
        position = sent[name].sourcePosition
        assert position.uri == Path(__file__).as_uri()
        assert text in lines[position.line - 1]
        assert [frame.pc for frame in sent[name].stackTrace.frames] == [position]


def test_what_is_no_constructor_has_no_declaring_frame() -> None:
    assert not declaring_frame().frames


def test_the_sdk_asks_for_the_stack_where_it_is_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "_get_stack_trace", resource._get_stack_trace)
    shorten()
    assert resource._get_stack_trace is declaring_frame
