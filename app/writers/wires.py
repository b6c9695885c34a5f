"""The three wire formats of a single text."""

import json

from pydantic import SecretStr

from app.providers import Provider
from app.writers.remote import Answer


class OpenAI:
    """POST /v1/chat/completions."""

    provider = Provider.OPENAI
    home = "https://api.openai.com"

    def headers(self, key: SecretStr) -> dict[str, str]:
        """A bearer token."""
        return {"Authorization": f"Bearer {key.get_secret_value()}"}

    def path(self, model: str) -> str:
        """The same for every model."""
        return "/v1/chat/completions"

    def request(self, model: str, prompt: str, tokens: int) -> dict[str, object]:
        """Chat completion in JSON mode."""
        return {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "max_completion_tokens": tokens,
            "response_format": {"type": "json_object"},
        }

    def answer(self, body: bytes) -> Answer:
        """choices[0].message.content and usage."""
        reply = json.loads(body)
        text, used = reply["choices"][0]["message"]["content"], reply["usage"]
        return Answer(text=text, input_tokens=used["prompt_tokens"], output_tokens=used["completion_tokens"])


class Anthropic:
    """POST /v1/messages."""

    provider = Provider.ANTHROPIC
    home = "https://api.anthropic.com"

    def headers(self, key: SecretStr) -> dict[str, str]:
        """The key and the version of the interface."""
        return {"x-api-key": key.get_secret_value(), "anthropic-version": "2023-06-01"}

    def path(self, model: str) -> str:
        """The same for every model."""
        return "/v1/messages"

    def request(self, model: str, prompt: str, tokens: int) -> dict[str, object]:
        """One user message."""
        return {"model": model, "max_tokens": tokens, "messages": [{"role": "user", "content": prompt}]}

    def answer(self, body: bytes) -> Answer:
        """The text blocks of content, and usage."""
        reply = json.loads(body)
        text = "".join(block["text"] for block in reply["content"] if block["type"] == "text")
        used = reply["usage"]
        return Answer(text=text, input_tokens=used["input_tokens"], output_tokens=used["output_tokens"])


class Gemini:
    """POST /v1beta/models/{model}:generateContent."""

    provider = Provider.GEMINI
    home = "https://generativelanguage.googleapis.com"

    def headers(self, key: SecretStr) -> dict[str, str]:
        """The key."""
        return {"x-goog-api-key": key.get_secret_value()}

    def path(self, model: str) -> str:
        """The model is part of it."""
        return f"/v1beta/models/{model}:generateContent"

    def request(self, model: str, prompt: str, tokens: int) -> dict[str, object]:
        """One turn, answered in JSON."""
        return {
            "contents": [{"role": "user", "parts": [{"text": prompt}]}],
            "generationConfig": {"maxOutputTokens": tokens, "responseMimeType": "application/json"},
        }

    def answer(self, body: bytes) -> Answer:
        """candidates[0] and usageMetadata."""
        reply = json.loads(body)
        text = "".join(part["text"] for part in reply["candidates"][0]["content"]["parts"])
        used = reply["usageMetadata"]
        return Answer(
            text=text, input_tokens=used["promptTokenCount"], output_tokens=used.get("candidatesTokenCount", 0)
        )
