"""Text providers of a deployment, and the limits of their cost (E07, D01)."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from app.domain import Priority


class Provider(StrEnum):
    """The providers the service can speak to; `embedded` needs no network and no key."""

    EMBEDDED = "embedded"
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class ProviderSettings(BaseModel):
    """The part of the settings that only the writing side reads."""

    openai_api_key: SecretStr | None = Field(None, description="Key of OpenAI.")
    openai_base_url: str | None = Field(None, description="Base URL in place of OpenAI's own.")
    anthropic_api_key: SecretStr | None = Field(None, description="Key of Anthropic.")
    anthropic_base_url: str | None = Field(None, description="Base URL in place of Anthropic's own.")
    gemini_api_key: SecretStr | None = Field(None, description="Key of Google Gemini.")
    gemini_base_url: str | None = Field(None, description="Base URL in place of Gemini's own.")
    allow_embedded_writer: bool = Field(
        False,
        description="Lets staging and prod run with the embedded writer alone, whose texts must not be published.",
    )
    llm_providers: Annotated[tuple[Provider, ...], NoDecode, BeforeValidator(_split)] = Field(
        (Provider.EMBEDDED,), min_length=1, description="Providers in the order they are tried."
    )
    llm_timeout_seconds: float = Field(60, gt=0, le=600, description="Time limit of one call.")
    llm_deadline_seconds: float = Field(
        150,
        gt=0,
        le=900,
        description="A text must be there by then, with waiting in line; no call begins that could take longer.",
    )
    llm_retries: int = Field(2, ge=0, le=5, description="Further calls to one provider after a failure.")
    llm_rate_limit_enabled: bool = Field(True, description="Enforce the limit of calls a minute.")
    llm_rate_limit_per_minute: int = Field(60, ge=1, description="Calls a minute to one provider.")
    llm_processes: int = Field(
        5,
        ge=1,
        description="Processes that write at most; without Redis each keeps to its share of the calls a minute.",
    )
    llm_queue_limit: int = Field(100, ge=0, description="Calls that may wait for their turn.")
    llm_queue_wait_seconds: float = Field(60, ge=0, le=600, description="Longest wait for a turn.")
    llm_breaker_failures: int = Field(5, ge=1, description="Failures in a row that open the circuit.")
    llm_breaker_seconds: float = Field(30, gt=0, description="Time that an open circuit refuses calls.")
    llm_max_cost_per_job_usd: float = Field(0.50, gt=0, description="Cost limit of one job.")
    llm_max_cost_per_day_usd: float = Field(50.0, gt=0, description="Cost limit of a region a day.")
    llm_cache_seconds: int = Field(86_400, ge=0, description="Lifetime of a text in the response cache.")
    llm_batch_enabled: bool = Field(
        False, description="Texts of priority `cost` are ordered in batches, at half the price and within a day (D01)."
    )
    llm_batch_window_seconds: float = Field(2, gt=0, le=10, description="Wait of a batch for more texts.")
    llm_batch_largest: int = Field(100, ge=1, le=1000, description="Texts in one batch.")
    llm_batch_look_seconds: float = Field(60, gt=0, le=3600, description="A batch is looked at no more often.")
    llm_batch_deadline_seconds: int = Field(
        90_000, ge=1, le=172_800, description="A text that is not there by then is asked for directly."
    )
    llm_models: dict[Provider, dict[Priority, str]] = Field(
        default_factory=dict, description="Model names that replace the built-in ones (JSON)."
    )

    @field_validator("llm_deadline_seconds")
    @classmethod
    def _time_for_a_call(cls, value: float, info: ValidationInfo) -> float:
        call = info.data.get("llm_timeout_seconds", 0)
        if value < call:
            raise ValueError(f"must be at least LLM_TIMEOUT_SECONDS ({call:g}), or no call could ever begin")
        return value

    @field_validator("llm_providers")
    @classmethod
    def _keys_present(cls, value: tuple[Provider, ...], info: ValidationInfo) -> tuple[Provider, ...]:
        missing = [name for name in value if name is not Provider.EMBEDDED and not info.data.get(f"{name}_api_key")]
        if missing:
            raise ValueError("; ".join(f"names '{name}' but {name.upper()}_API_KEY is not set" for name in missing))
        return value
