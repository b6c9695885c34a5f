"""Settings of content generation's processes and tasks, beside those of every product."""

from typing import TypeVar

from pydantic import Field, SecretStr

from app.process_settings import PRODUCTION_LIKE, CommaList, ConfigurationError, Networks, Region, load
from app.providers import Provider, ProviderSettings
from app.service_settings import ServiceSettings, given
from app.watch import Payments


class Settings(ProviderSettings, ServiceSettings):
    """Configuration of content generation."""

    # Other regions
    region_urls: dict[Region, str] = Field(
        {}, description="Base URLs of the other regions' APIs, by region name (JSON)."
    )

    # Jobs
    im_url: CommaList = Field(("http://im",), description="Base URLs of im, separated by commas.")
    writes_itself: bool = Field(False, description="The worker writes texts itself; IM_URL is not used.")
    worker_concurrency: int = Field(10, ge=2, le=200, description="Jobs that one worker runs at once.")
    job_lease_seconds: float = Field(30, ge=1, le=600, description="A worker silent this long has lost its jobs.")
    job_max_attempts: int = Field(5, ge=1, le=20, description="Attempts of one job.")
    job_retry_base_seconds: float = Field(2, gt=0, le=600, description="Pause after the first failure; it doubles.")
    job_expiry_seconds: int = Field(86_400, ge=60, description="A job that has not begun by then never will.")
    job_sweep_seconds: float = Field(30, ge=0.1, le=3600, description="Interval of the search for lost jobs.")

    # Administrators and the billing system
    allowed_admin_ips: Networks = Field((), description="Networks that may call /admin; empty means none.")
    admin_token: SecretStr | None = Field(None, min_length=16, description="Token for /admin in use.")
    admin_token_before: SecretStr | None = Field(None, min_length=16, description="Token before, accepted (X02).")
    admin_token_next: SecretStr | None = Field(None, min_length=16, description="Token to come, accepted (X02).")
    webhook_secret: SecretStr | None = Field(None, min_length=16, description="Secret of billing webhooks.")
    webhook_secret_before: SecretStr | None = Field(None, min_length=16, description="Secret before, accepted (X02).")
    webhook_secret_next: SecretStr | None = Field(None, min_length=16, description="Secret to come, accepted (X02).")
    stripe_api_url: str | None = Field(None, description="URL of the payment provider's check.")

    @property
    def writing_problem(self) -> str | None:
        """Reason for which a process that writes must not start with these settings (E07): im, or a worker that writes
        itself. No other is given keys.
        """
        made_up = set(self.llm_providers) == {Provider.EMBEDDED}
        if self.environment in PRODUCTION_LIKE and made_up and not self.allow_embedded_writer:
            return (
                f"LLM_PROVIDERS: names the embedded writer alone, and this is '{self.environment}'; name a provider and"
                " give its key, or set ALLOW_EMBEDDED_WRITER=true where made-up texts will do"
            )
        return None

    @property
    def payments(self) -> Payments | None:
        """The check of the payment provider; None where there is none."""
        return None if self.stripe_api_url is None else Payments(self.stripe_api_url)

    @property
    def admin_tokens(self) -> tuple[str, ...]:
        """Any of them lets an administrator in."""
        return given(self.admin_token, self.admin_token_before, self.admin_token_next)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The billing system signs with any of them."""
        return given(self.webhook_secret, self.webhook_secret_before, self.webhook_secret_next)


Kind = TypeVar("Kind", bound=Settings)


def load_settings(**overrides: object) -> Settings:
    """The service's settings. Raises ConfigurationError with every problem there is."""
    return load(Settings, **overrides)


def loaded_for_writing(kind: type[Kind]) -> Kind:
    """Settings of a process that writes texts, those of its providers judged too. Raises ConfigurationError."""
    settings = load(kind)
    if settings.writing_problem:
        raise ConfigurationError((settings.writing_problem,))
    return settings


def writing_settings() -> Settings:
    """Settings of im. Raises ConfigurationError."""
    return loaded_for_writing(Settings)


def working_settings() -> Settings:
    """Settings of a worker, which may write itself. Raises ConfigurationError."""
    settings = load(Settings)
    return loaded_for_writing(Settings) if settings.writes_itself else settings
