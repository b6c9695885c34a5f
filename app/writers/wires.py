"""The three wire formats."""

import json

from pydantic import SecretStr

from app.providers import Provider
from app.writers.remote import Answer


class OpenAI:
    """POST /v1/chat/completions."""

    provider = Provider.OPENAI

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def request(self, model: str, prompt: str, tokens: int) -> tuple[str, dict[str, str], dict[str, object]]:
        """Chat completion in JSON mode."""
        body: dict[str, object] = {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "max_completion_tokens": tokens,
            "response_format": {"type": "json_object"},
        }
        return "/v1/chat/completions", {"Authorization": f"Bearer {self._key.get_secret_value()}"}, body

    def answer(self, body: bytes) -> Answer:
        """choices[0].message.content and usage."""
        reply = json.loads(body)
        text, used = reply["choices"][0]["message"]["content"], reply["usage"]
        return Answer(text=text, input_tokens=used["prompt_tokens"], output_tokens=used["completion_tokens"])


class Anthropic:
    """POST /v1/messages."""

    provider = Provider.ANTHROPIC

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def request(self, model: str, prompt: str, tokens: int) -> tuple[str, dict[str, str], dict[str, object]]:
        """One user message."""
        headers = {"x-api-key": self._key.get_secret_value(), "anthropic-version": "2023-06-01"}
        body: dict[str, object] = {
            "model": model,
            "max_tokens": tokens,
            "messages": [{"role": "user", "content": prompt}],
        }
        return "/v1/messages", headers, body

    def answer(self, body: bytes) -> Answer:
        """The text blocks of content, and usage."""
        reply = json.loads(body)
        text = "".join(block["text"] for block in reply["content"] if block["type"] == "text")
        used = reply["usage"]
        return Answer(text=text, input_tokens=used["input_tokens"], output_tokens=used["output_tokens"])


class Gemini:
    """POST /v1beta/models/{model}:generateContent."""

    provider = Provider.GEMINI

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def request(self, model: str, prompt: str, tokens: int) -> tuple[str, dict[str, str], dict[str, object]]:
        """One turn, answered in JSON."""
        body: dict[str, object] = {
            "contents": [{"role": "user", "parts": [{"text": prompt}]}],
            "generationConfig": {"maxOutputTokens": tokens, "responseMimeType": "application/json"},
        }
        headers = {"x-goog-api-key": self._key.get_secret_value()}
        return f"/v1beta/models/{model}:generateContent", headers, body

    def answer(self, body: bytes) -> Answer:
        """candidates[0] and usageMetadata."""
        reply = json.loads(body)
        text = "".join(part["text"] for part in reply["candidates"][0]["content"]["parts"])
        used = reply["usageMetadata"]
        return Answer(
            text=text, input_tokens=used["promptTokenCount"], output_tokens=used.get("candidatesTokenCount", 0)
        )
