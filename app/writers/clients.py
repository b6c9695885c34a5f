"""The clients of the providers in the settings. Each SDK costs some 50 MB, so only what is used is imported."""

from app.process_settings import ConfigurationError
from app.providers import Provider, ProviderSettings
from app.writers.base import ProviderClient


def client_of(provider: Provider, settings: ProviderSettings) -> ProviderClient:
    """The client of one provider. Raises ConfigurationError where its SDK is not installed."""
    try:
        if provider is Provider.OPENAI:
            from app.writers.openai_client import OpenAIClient

            return OpenAIClient(settings)
        if provider is Provider.ANTHROPIC:
            from app.writers.anthropic_client import AnthropicClient

            return AnthropicClient(settings)
        from app.writers.gemini_client import GeminiClient

        return GeminiClient(settings)
    except ModuleNotFoundError as error:
        problem = f"LLM_PROVIDERS: names '{provider}', whose SDK ({error.name}) is missing; install contentgen[llm]"
        raise ConfigurationError((problem,)) from error
