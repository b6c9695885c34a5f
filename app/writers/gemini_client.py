"""Gemini through its SDK: generate_content in JSON, and batches with the questions in them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
from google import genai
from google.genai import errors, types

from app.providers import Provider, ProviderSettings
from app.writers.base import Finish, Question, Replies, Reply, Tokens
from app.writers.sdk import batch_name, failed, reading, refused

_NAME = Provider.GEMINI
_PREFIX = "batches/"
_UNDER_WAY = ("JOB_STATE_UNSPECIFIED", "JOB_STATE_QUEUED", "JOB_STATE_PENDING", "JOB_STATE_RUNNING")
_FINISH = {types.FinishReason.STOP: Finish.COMPLETE, types.FinishReason.MAX_TOKENS: Finish.TRUNCATED}


class GeminiClient:
    """Implements app.writers.base.ProviderClient."""

    def __init__(self, settings: ProviderSettings) -> None:
        assert settings.gemini_api_key is not None, "the settings refuse a provider without its key"
        self._http = httpx.AsyncClient(timeout=settings.llm_timeout_seconds)
        self._client = genai.Client(
            vertexai=False,
            api_key=settings.gemini_api_key.get_secret_value(),
            http_options=types.HttpOptions(
                base_url=settings.gemini_base_url,
                api_version="v1beta",
                timeout=round(settings.llm_timeout_seconds * 1000),
                retry_options=types.HttpRetryOptions(attempts=1),
                httpx_async_client=self._http,
            ),
        ).aio

    async def ask(self, question: Question) -> Reply:
        """POST /v1beta/models/{model}:generateContent."""
        with reading(_NAME), _translated():
            reply = await self._client.models.generate_content(
                model=question.model, contents=question.prompt, config=_config(question)
            )
            return _reply(reply)

    async def hand_in(self, questions: Sequence[Question]) -> str:
        """POST /v1beta/models/{model}:batchGenerateContent."""
        requests = [
            types.InlinedRequest(contents=one.prompt, metadata={"key": str(place)}, config=_config(one))
            for place, one in enumerate(questions)
        ]
        with reading(_NAME), _translated():
            batch = await self._client.batches.create(model=questions[0].model, src=requests)
            return batch_name(_NAME, (batch.name or "").removeprefix(_PREFIX))

    async def pick_up(self, batch: str) -> Replies | None:
        """GET /v1beta/batches/{id}, which has the answers in it."""
        with reading(_NAME), _translated():
            found = await self._client.batches.get(name=f"{_PREFIX}{batch}")
            if found.state is None:
                raise ValueError("no state")
            if found.state.value in _UNDER_WAY:
                return None
            answers = (found.dest.inlined_responses if found.dest else None) or []
            return {
                (one.metadata or {})["key"]: _reply(one.response) for one in answers if one.response and not one.error
            }

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()
        await self._http.aclose()


def _config(question: Question) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(max_output_tokens=question.max_tokens, response_mime_type="application/json")


def _reply(reply: types.GenerateContentResponse) -> Reply:
    used = reply.usage_metadata
    if used is None or used.prompt_token_count is None:
        raise ValueError("no usage")
    thought = used.thoughts_token_count or 0
    tokens = Tokens(
        input=used.prompt_token_count,
        output=(used.candidates_token_count or 0) + thought,
        thought=thought,
        cached=used.cached_content_token_count or 0,
    )
    # A refused prompt has no candidates at all.
    candidate = reply.candidates[0] if reply.candidates else None
    reason = candidate.finish_reason if candidate else None
    parts = (candidate.content.parts if candidate and candidate.content else None) or []
    text = "".join(part.text or "" for part in parts if not part.thought)
    return Reply(text, _FINISH.get(reason, Finish.REFUSED) if reason else Finish.REFUSED, tokens)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except errors.APIError as error:
        headers = getattr(error.response, "headers", None) or {}
        raise refused(_NAME, error.code, headers) from error
    except httpx.HTTPError as error:
        raise failed(_NAME, error, timeout=isinstance(error, httpx.TimeoutException)) from error
