"""The three wire formats of a batch: how texts are ordered together, and how they are picked up (D01).

What a provider says of its batches is checked like any input: its names become parts of addresses, so they have a form,
and the addresses it sends along are not followed, because the key would go with the request.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, JsonValue

from app.domain import GivenName
from app.writers.line import Line

Texts = Mapping[str, bytes]


@dataclass(frozen=True)
class Order:
    """One text of a batch: our name for it, and the request that would ask for it alone."""

    item: str
    path: str
    body: Mapping[str, object]


class BatchWire(Protocol):
    """One provider's way of taking and giving back batches."""

    async def hand_in(self, line: Line, model: str, orders: Sequence[Order]) -> str:
        """The batch's name. Raises WriterError, and ValueError for an answer that is none."""
        ...

    async def pick_up(self, line: Line, batch: str) -> Texts | None:
        """None while it is under way; then the answers by item, each like the answer to a single request.

        Items that failed, expired or were cancelled are missing. Raises WriterError and ValueError.
        """
        ...


class _Named(BaseModel):
    id: GivenName


class _OpenAIBatch(BaseModel):
    status: Literal[
        "validating", "in_progress", "finalizing", "cancelling", "completed", "failed", "expired", "cancelled"
    ]
    output_file_id: GivenName | None = None


class _OpenAIReply(BaseModel):
    status_code: int
    body: JsonValue


class _OpenAILine(BaseModel):
    custom_id: str
    response: _OpenAIReply | None = None


class OpenAIBatches:
    """A file of requests, a batch over it, and a file of answers."""

    async def hand_in(self, line: Line, model: str, orders: Sequence[Order]) -> str:
        """POST /v1/files, then /v1/batches."""
        lines = "\n".join(
            json.dumps({"custom_id": order.item, "method": "POST", "url": order.path, "body": order.body})
            for order in orders
        )
        uploaded = await line.upload("/v1/files", "batch.jsonl", lines.encode(), {"purpose": "batch"})
        file = _Named.model_validate_json(uploaded).id
        body = {"input_file_id": file, "endpoint": orders[0].path, "completion_window": "24h"}
        return _Named.model_validate_json(await line.post("/v1/batches", body)).id

    async def pick_up(self, line: Line, batch: str) -> Texts | None:
        """GET /v1/batches/{id}, then the file of answers, which an expired batch has for what was ready."""
        found = _OpenAIBatch.model_validate_json(await line.get(f"/v1/batches/{batch}"))
        if found.status in ("validating", "in_progress", "finalizing", "cancelling"):
            return None
        if found.output_file_id is None:
            return {}
        content = await line.get(f"/v1/files/{found.output_file_id}/content")
        answers = [_OpenAILine.model_validate_json(one) for one in _lines(content)]
        return _texts((a.custom_id, a.response.body) for a in answers if a.response and a.response.status_code == 200)


class _AnthropicBatch(BaseModel):
    processing_status: Literal["in_progress", "canceling", "ended"]


class _AnthropicResult(BaseModel):
    type: str
    message: JsonValue = None


class _AnthropicLine(BaseModel):
    custom_id: str
    result: _AnthropicResult


class AnthropicBatches:
    """The requests in one body, the answers in lines."""

    async def hand_in(self, line: Line, model: str, orders: Sequence[Order]) -> str:
        """POST /v1/messages/batches."""
        requests = [{"custom_id": order.item, "params": order.body} for order in orders]
        return _Named.model_validate_json(await line.post("/v1/messages/batches", {"requests": requests})).id

    async def pick_up(self, line: Line, batch: str) -> Texts | None:
        """GET /v1/messages/batches/{id}, then its results."""
        found = _AnthropicBatch.model_validate_json(await line.get(f"/v1/messages/batches/{batch}"))
        if found.processing_status != "ended":
            return None
        content = await line.get(f"/v1/messages/batches/{batch}/results")
        answers = [_AnthropicLine.model_validate_json(one) for one in _lines(content)]
        return _texts((a.custom_id, a.result.message) for a in answers if a.result.type == "succeeded")


_GEMINI_PREFIX = "batches/"
_GEMINI_UNDER_WAY = ("_UNSPECIFIED", "_PENDING", "_RUNNING")


def _last_part(value: object) -> object:
    return value.removeprefix(_GEMINI_PREFIX) if isinstance(value, str) else value


class _GeminiNamed(BaseModel):
    name: Annotated[GivenName, BeforeValidator(_last_part)]


class _GeminiKey(BaseModel):
    key: str


class _GeminiAnswer(BaseModel):
    metadata: _GeminiKey
    response: JsonValue = None


class _GeminiAnswers(BaseModel):
    inlinedResponses: list[_GeminiAnswer]  # noqa: N815  the provider's name


class _GeminiOutput(BaseModel):
    inlinedResponses: _GeminiAnswers | None = None  # noqa: N815  the provider's name


class _GeminiState(BaseModel):
    state: str
    output: _GeminiOutput | None = None


class _GeminiBatch(BaseModel):
    metadata: _GeminiState
    response: _GeminiOutput | None = None


class GeminiBatches:
    """A long-running operation that has the requests and the answers in itself."""

    async def hand_in(self, line: Line, model: str, orders: Sequence[Order]) -> str:
        """POST /v1beta/models/{model}:batchGenerateContent."""
        requests = [{"request": order.body, "metadata": {"key": order.item}} for order in orders]
        batch = {"display_name": "contentgen", "input_config": {"requests": {"requests": requests}}}
        reply = await line.post(f"/v1beta/models/{model}:batchGenerateContent", {"batch": batch})
        return _GeminiNamed.model_validate_json(reply).name

    async def pick_up(self, line: Line, batch: str) -> Texts | None:
        """GET /v1beta/batches/{id}."""
        found = _GeminiBatch.model_validate_json(await line.get(f"/v1beta/{_GEMINI_PREFIX}{batch}"))
        if found.metadata.state.endswith(_GEMINI_UNDER_WAY):
            return None
        output = found.response or found.metadata.output
        answers = output.inlinedResponses.inlinedResponses if output and output.inlinedResponses else []
        return _texts((a.metadata.key, a.response) for a in answers if a.response is not None)


def _lines(content: bytes) -> list[bytes]:
    return [line for line in content.splitlines() if line.strip()]


def _texts(answers: Iterable[tuple[str, JsonValue]]) -> Texts:
    return {item: json.dumps(body).encode() for item, body in answers}
