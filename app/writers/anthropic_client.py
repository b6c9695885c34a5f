"""Anthropic through its SDK: messages, and the message batches API."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import anthropic
from anthropic.types import Message, MessageParam
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

from app.providers import Provider, ProviderSettings
from app.writers.base import Finish, Question, Replies, Reply, Tokens
from app.writers.sdk import batch_name, failed, reading, refused

_NAME = Provider.ANTHROPIC
_FINISH = {
    "end_turn": Finish.COMPLETE,
    "stop_sequence": Finish.COMPLETE,
    "max_tokens": Finish.TRUNCATED,
    "model_context_window_exceeded": Finish.TRUNCATED,
    "refusal": Finish.REFUSED,
}


class AnthropicClient:
    """Implements app.writers.base.ProviderClient."""

    def __init__(self, settings: ProviderSettings) -> None:
        assert settings.anthropic_api_key is not None, "the settings refuse a provider without its key"
        self._client = anthropic.AsyncAnthropic(
            api_key=settings.anthropic_api_key.get_secret_value(),
            base_url=settings.anthropic_base_url,
            timeout=settings.llm_timeout_seconds,
            max_retries=0,
        )

    async def ask(self, question: Question) -> Reply:
        """POST /v1/messages."""
        with reading(_NAME), _translated():
            words: MessageParam = {"role": "user", "content": question.prompt}
            reply = await self._client.messages.create(
                model=question.model, max_tokens=question.max_tokens, messages=[words]
            )
            return _reply(reply)

    async def hand_in(self, questions: Sequence[Question]) -> str:
        """POST /v1/messages/batches."""
        with reading(_NAME), _translated():
            batch = await self._client.messages.batches.create(
                requests=[{"custom_id": str(i), "params": _parameters(one)} for i, one in enumerate(questions)]
            )
            return batch_name(_NAME, batch.id)

    async def pick_up(self, batch: str) -> Replies | None:
        """GET /v1/messages/batches/{id}, then its results.

        The SDK's own `results` goes to the address that the answer names, with the key; this one cannot be led away.
        """
        with reading(_NAME), _translated():
            found = await self._client.messages.batches.retrieve(batch)
            if found.processing_status in ("in_progress", "canceling"):
                return None
            if found.processing_status != "ended":
                raise ValueError(found.processing_status)
            content = await self._client.get(f"/v1/messages/batches/{batch}/results", cast_to=str)
            answers = [json.loads(line) for line in content.splitlines() if line.strip()]
            good = [one for one in answers if one["result"]["type"] == "succeeded"]
            return {one["custom_id"]: _reply(Message.construct(**one["result"]["message"])) for one in good}

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()


def _parameters(question: Question) -> MessageCreateParamsNonStreaming:
    messages: list[MessageParam] = [{"role": "user", "content": question.prompt}]
    return {"model": question.model, "max_tokens": question.max_tokens, "messages": messages}


def _reply(reply: Message) -> Reply:
    used = reply.usage
    read, written = used.cache_read_input_tokens or 0, used.cache_creation_input_tokens or 0
    details = used.output_tokens_details
    tokens = Tokens(
        input=used.input_tokens + read + written,
        output=used.output_tokens,
        thought=(details.thinking_tokens if details else None) or 0,
        cached=read,
    )
    text = "".join(block.text for block in reply.content if block.type == "text")
    return Reply(text, _FINISH[str(reply.stop_reason)], tokens)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except anthropic.APIStatusError as error:
        raise refused(_NAME, error.status_code, error.response.headers) from error
    except anthropic.APIConnectionError as error:
        raise failed(_NAME, error, timeout=isinstance(error, anthropic.APITimeoutError)) from error
