"""OpenAI through its SDK: chat completions in JSON mode, and the batch API."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import openai
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

from app.providers import Provider, ProviderSettings
from app.writers.base import Finish, Question, Replies, Reply, Tokens
from app.writers.sdk import batch_name, failed, reading, refused

_NAME = Provider.OPENAI
_PATH = "/v1/chat/completions"
_WITHOUT_JSON_MODE = ("gpt-4", "gpt-4-0613")
"""They refuse the mode (OpenAI's guide "Structured outputs", "JSON mode"); the prompt asks for JSON all the same."""
_UNDER_WAY = ("validating", "in_progress", "finalizing", "cancelling")
_FINISH = {"stop": Finish.COMPLETE, "length": Finish.TRUNCATED, "content_filter": Finish.REFUSED}


class OpenAIClient:
    """Implements app.writers.base.ProviderClient."""

    def __init__(self, settings: ProviderSettings) -> None:
        assert settings.openai_api_key is not None, "the settings refuse a provider without its key"
        self._client = openai.AsyncOpenAI(
            api_key=settings.openai_api_key.get_secret_value(),
            base_url=f"{settings.openai_base_url.rstrip('/')}/v1" if settings.openai_base_url else None,
            timeout=settings.llm_timeout_seconds,
            max_retries=0,
        )

    async def ask(self, question: Question) -> Reply:
        """POST /v1/chat/completions."""
        with reading(_NAME), _translated():
            asked = _parameters(question)
            reply = await self._client.chat.completions.create(
                model=asked["model"],
                messages=asked["messages"],
                max_completion_tokens=question.max_tokens,
                response_format=asked.get("response_format", openai.omit),
            )
            return _reply(reply)

    async def hand_in(self, questions: Sequence[Question]) -> str:
        """A file of requests, and a batch over it."""
        lines = "\n".join(
            json.dumps({"custom_id": str(place), "method": "POST", "url": _PATH, "body": _parameters(question)})
            for place, question in enumerate(questions)
        )
        with reading(_NAME), _translated():
            file = await self._client.files.create(file=("batch.jsonl", lines.encode()), purpose="batch")
            batch = await self._client.batches.create(
                input_file_id=batch_name(_NAME, file.id), endpoint=_PATH, completion_window="24h"
            )
            return batch_name(_NAME, batch.id)

    async def pick_up(self, batch: str) -> Replies | None:
        """GET /v1/batches/{id}, then the file of answers, which an expired batch has for what was ready."""
        with reading(_NAME), _translated():
            found = await self._client.batches.retrieve(batch)
            if found.status in _UNDER_WAY:
                return None
            if found.status not in ("completed", "failed", "expired", "cancelled"):
                raise ValueError(found.status)
            if found.output_file_id is None:
                return {}
            content = await self._client.files.content(batch_name(_NAME, found.output_file_id))
            answers = [json.loads(line) for line in content.text.splitlines() if line.strip()]
            good = [one for one in answers if (one.get("response") or {}).get("status_code") == 200]
            return {one["custom_id"]: _reply(ChatCompletion.construct(**one["response"]["body"])) for one in good}

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()


def _parameters(question: Question) -> CompletionCreateParamsNonStreaming:
    asked: CompletionCreateParamsNonStreaming = {
        "model": question.model,
        "messages": [{"role": "user", "content": question.prompt}],
        "max_completion_tokens": question.max_tokens,
    }
    if question.model not in _WITHOUT_JSON_MODE:
        asked["response_format"] = {"type": "json_object"}
    return asked


def _reply(reply: ChatCompletion) -> Reply:
    choice, used = reply.choices[0], reply.usage
    if used is None:
        raise ValueError("no usage")
    details, prompt = used.completion_tokens_details, used.prompt_tokens_details
    tokens = Tokens(
        input=used.prompt_tokens,
        output=used.completion_tokens,
        thought=(details.reasoning_tokens if details else None) or 0,
        cached=(prompt.cached_tokens if prompt else None) or 0,
    )
    finish = Finish.REFUSED if choice.message.refusal else _FINISH[choice.finish_reason]
    return Reply(choice.message.content or "", finish, tokens)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except openai.APIStatusError as error:
        raise refused(_NAME, error.status_code, error.response.headers) from error
    except openai.APIConnectionError as error:
        raise failed(_NAME, error, timeout=isinstance(error, openai.APITimeoutError)) from error
