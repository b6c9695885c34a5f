"""Settings of blog-ai, by the names of its document (documents/E-blog-ai.txt, E14) and those of the platform.

A variable of the document is in force, or is refused by name with what to give in its place.
"""

from typing import Annotated, Final, TypeVar

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator

from app.access.tiers import Tier
from app.domain import Priority
from app.process_settings import PRODUCTION_LIKE, CommaList, Environment
from app.providers import Provider
from app.service_settings import given
from app.settings import Settings, loaded_for_writing
from app.watch import Payments

_WORDS: Final = {"production": "prod", "development": "dev"}
STRIPE_API: Final = "https://api.stripe.com"
STRIPE_CHECK: Final = "/v1/balance"
"""The smallest thing that a secret key may read (docs.stripe.com/api/balance)."""
Value = TypeVar("Value")
HttpAddress = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
"""Base URL of a web service: nothing after its path."""


def _environment(value: object) -> object:
    return _WORDS.get(value.lower(), value.lower()) if isinstance(value, str) else value


def _workers(data: dict[str, object]) -> int:
    return 2 if data.get("environment") in PRODUCTION_LIKE else 1


class BlogSettings(Settings):
    """Configuration of the one container that answers, shows the page and writes."""

    environment: Annotated[Environment, BeforeValidator(_environment)] = Field(
        Environment.LOCAL, description="Environment of the stack; also `production` and `development`."
    )
    service: str = Field("blog-ai", min_length=1, max_length=60, description="Name in logs and metrics.")
    port: int = Field(
        8000, ge=1, le=65535, validation_alias=AliasChoices("backend_port", "port"), description="Port of the API."
    )
    frontend_port: int = Field(3000, ge=1, le=65535, description="Port of the page.")
    uvicorn_workers: int = Field(
        default_factory=_workers, ge=1, le=64, description="Server processes; default: 2 in staging and prod, else 1."
    )
    writes_itself: bool = Field(True, description="The worker writes texts itself; IM_URL is not used.")
    llm_processes: int = Field(
        20, ge=1, description="Processes that write at most (10 instances of 2): shares of the calls without Redis."
    )

    # Edge
    security_enabled: bool = Field(True, description="Send the security headers.")
    cors_origins: CommaList = Field(
        (),
        validation_alias=AliasChoices("allowed_origins", "cors_origins"),
        description="Origins whose pages may use the API.",
    )

    # Limits (E05): the document has none by the hour
    rate_limit_per_minute: int = Field(
        60,
        ge=1,
        validation_alias=AliasChoices("rate_limit_general", "rate_limit_per_minute"),
        description="Requests of one address a minute.",
    )
    rate_limit_generate_per_minute: int = Field(
        10,
        ge=1,
        validation_alias=AliasChoices("rate_limit_generation", "rate_limit_generate_per_minute"),
        description="Texts of one address a minute.",
    )
    rate_limit_per_hour: int | None = Field(None, ge=1, description="Requests of one address an hour; default: any.")

    # Database (E09); 10 + 20 connections of 20 processes would be more than the pooler's (Y03)
    database_pool_size: int = Field(5, ge=1, le=100, description="Connections kept open by a process.")
    database_max_overflow: int = Field(
        5,
        ge=0,
        le=100,
        validation_alias=AliasChoices("database_pool_overflow", "database_max_overflow"),
        description="Connections added in a rush.",
    )
    database_pool_timeout_seconds: float = Field(
        30,
        gt=0,
        le=120,
        validation_alias=AliasChoices("database_pool_timeout", "database_pool_timeout_seconds"),
        description="Wait for a free connection.",
    )
    database_pool_recycle_seconds: int = Field(
        1800,
        ge=60,
        validation_alias=AliasChoices("database_pool_recycle", "database_pool_recycle_seconds"),
        description="Age at which a connection is replaced.",
    )
    cache_seconds: int = Field(
        3600,
        ge=1,
        validation_alias=AliasChoices("redis_cache_ttl", "cache_seconds"),
        description="Lifetime of a value in Redis.",
    )

    # Providers (E07)
    llm_queue_limit: int = Field(
        100,
        ge=0,
        validation_alias=AliasChoices("llm_rate_limit_max_queue", "llm_queue_limit"),
        description="Calls that may wait for their turn.",
    )
    llm_queue_wait_seconds: float = Field(
        60,
        ge=0,
        le=600,
        validation_alias=AliasChoices("llm_rate_limit_max_wait", "llm_queue_wait_seconds"),
        description="Longest wait for a turn.",
    )
    openai_model: str | None = Field(None, min_length=1, description="OpenAI's model for every text.")
    anthropic_model: str | None = Field(None, min_length=1, description="Anthropic's model for every text.")
    gemini_model: str | None = Field(None, min_length=1, description="Gemini's model for every text.")

    # Telemetry
    sentry_environment: str | None = Field(None, description="Environment in Sentry; default: ENVIRONMENT.")
    sentry_release: str | None = Field(None, description="Release in Sentry; default: VERSION.")

    # Payments (E13)
    stripe_secret_key: SecretStr | None = Field(None, description="Stripe's API key.")
    stripe_webhook_secret: SecretStr | None = Field(None, min_length=16, description="Secret that signs events.")
    stripe_webhook_secret_before: SecretStr | None = Field(
        None, min_length=16, description="Secret before, accepted (X02)."
    )
    stripe_webhook_secret_next: SecretStr | None = Field(
        None, min_length=16, description="Secret to come, accepted (X02)."
    )
    stripe_price_id_starter: str | None = Field(None, description="Price id of the plan Starter.")
    stripe_price_id_pro: str | None = Field(None, description="Price id of the plan Pro.")
    stripe_price_id_business: str | None = Field(None, description="Price id of the plan Business.")

    # Web research and pictures (E14): each is done where its key is set
    tavily_api_key: SecretStr | None = Field(None, description="Key of Tavily, which is asked first for web pages.")
    tavily_base_url: HttpAddress | None = Field(None, description="Base URL in place of Tavily's own.")
    serp_api_key: SecretStr | None = Field(None, description="Key of SerpApi, which is asked when Tavily fails.")
    serp_base_url: HttpAddress | None = Field(None, description="Base URL in place of SerpApi's own.")
    research_timeout_seconds: float = Field(10, gt=0, le=60, description="Time limit of one search.")
    stability_api_key: SecretStr | None = Field(None, description="Key of Stability AI, which makes pictures.")
    stability_base_url: HttpAddress | None = Field(None, description="Base URL in place of Stability AI's own.")
    picture_timeout_seconds: float = Field(60, gt=0, le=300, description="Time limit of one picture.")

    # Variables of the document that cannot be in force
    supabase_url: str | None = Field(None, description="Refused: DATABASE_URL and DATABASE_URL_DIRECT are used.")
    supabase_service_role_key: SecretStr | None = Field(None, description="Refused, as SUPABASE_URL.")
    redis_max_memory: str | None = Field(None, description="Refused: a setting of the Redis server.")
    redis_eviction_policy: str | None = Field(None, description="Refused: a setting of the Redis server.")

    @model_validator(mode="before")
    @classmethod
    def _providers(cls, values: dict[str, object]) -> dict[str, object]:
        """Providers are those with a key unless they are named; a provider's one model is for every priority."""
        named = {name: values[f"{name}_model"] for name in _PAID if values.get(f"{name}_model")}
        models = values.get("llm_models") or {}
        if isinstance(models, dict) and named:
            for name in named:
                if name in models:
                    raise ValueError(
                        f"{name.upper()}_MODEL: LLM_MODELS names models of {name} too; give one of the two"
                    )
            models = {**models, **{name: dict.fromkeys(Priority, model) for name, model in named.items()}}
            values = {**values, "llm_models": models}
        with_key = tuple(name for name in _PAID if values.get(f"{name}_api_key"))
        return {"llm_providers": with_key, **values} if with_key else values

    @field_validator("supabase_url", "supabase_service_role_key")
    @classmethod
    def _no_supabase(cls, value: Value) -> Value:
        return _refused(
            value,
            "is not used, because the database is asked directly; give DATABASE_URL (Supabase's transaction pooler,"
            " port 6543) and DATABASE_URL_DIRECT (port 5432), and leave it out",
        )

    @field_validator("redis_max_memory", "redis_eviction_policy")
    @classmethod
    def _not_the_server(cls, value: Value) -> Value:
        return _refused(value, "is a setting of the Redis server, not of the application; leave it out here")

    @field_validator("frontend_port")
    @classmethod
    def _two_ports(cls, value: int, info: ValidationInfo) -> int:
        if value == info.data.get("port"):
            raise ValueError("must not be BACKEND_PORT; the page and the API have a port each")
        return value

    @field_validator("security_enabled")
    @classmethod
    def _secure_in_production(cls, value: bool, info: ValidationInfo) -> bool:
        if not value and info.data.get("environment") in PRODUCTION_LIKE:
            raise ValueError("must be true in staging and prod")
        return value

    @field_validator("stripe_price_id_starter", "stripe_price_id_pro", "stripe_price_id_business")
    @classmethod
    def _one_price_a_plan(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        if not value.startswith("price_"):
            raise ValueError("must be the id of a price, which begins with price_ (not of a product, prod_)")
        same = [name for name, other in info.data.items() if name.startswith("stripe_price_id_") and other == value]
        if same:
            raise ValueError(f"is the price of {same[0].upper()} too; a price belongs to one plan")
        return value

    @property
    def response_headers(self) -> dict[str, str]:
        """The security headers in force."""
        return super().response_headers if self.security_enabled else {}

    @property
    def ports(self) -> tuple[int, ...]:
        """The API's and the page's."""
        return self.port, self.frontend_port

    @property
    def reported_as(self) -> tuple[str, str]:
        """Environment and release in Sentry."""
        environment, release = super().reported_as
        return self.sentry_environment or environment, self.sentry_release or release

    @property
    def payments(self) -> Payments | None:
        """The check of Stripe, with the key."""
        if self.stripe_secret_key is None:
            return super().payments
        return Payments(f"{(self.stripe_api_url or STRIPE_API).rstrip('/')}{STRIPE_CHECK}", self.stripe_secret_key)

    @property
    def stripe_webhook_secrets(self) -> tuple[str, ...]:
        """Stripe signs with any of them."""
        return given(self.stripe_webhook_secret, self.stripe_webhook_secret_before, self.stripe_webhook_secret_next)

    @property
    def tiers_by_price(self) -> dict[str, Tier]:
        """Tier of each price id that is set."""
        prices = (
            (self.stripe_price_id_starter, Tier.STARTER),
            (self.stripe_price_id_pro, Tier.PRO),
            (self.stripe_price_id_business, Tier.BUSINESS),
        )
        return {price: tier for price, tier in prices if price is not None}


def serving_settings() -> BlogSettings:
    """Settings of the process, which writes too. Raises ConfigurationError."""
    return loaded_for_writing(BlogSettings)


_PAID: Final = tuple(one.value for one in Provider if one is not Provider.EMBEDDED)


def _refused(value: Value, reason: str) -> Value:
    if value is not None:
        raise ValueError(reason)
    return value
