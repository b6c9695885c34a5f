"""Settings of recipe-app, by the names of its document (documents/D-recipe-app.txt).

The document's Secret has the keys database-url, jwt-secret and openai-api-key; mounted as files they are found by these
names too.
"""

from pydantic import AliasChoices, Field, SecretStr, model_validator

from app.process_settings import ProcessSettings
from app.service_settings import DatabaseUrl, filled
from app.settings import loaded_for_writing
from app.video.settings import VideoSettings, loaded_with_bucket

_DATABASE = ("database_url", "database-url")
_DIRECT = ("database_url_direct", "database-url-direct")


class RecipePageSettings(ProcessSettings):
    """Configuration of the front end, which has neither a database nor a secret."""


class RecipeSettings(VideoSettings):
    """Configuration of API and workers: content generation's, whose queue and writers they use, and videos."""

    database_url: DatabaseUrl = Field(
        validation_alias=AliasChoices(*_DATABASE), description="Database for requests, through the pooler."
    )
    session_secret: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("session_secret", "jwt_secret", "jwt-secret"),
        min_length=32,
        description="Secret that signs sessions.",
    )
    openai_api_key: SecretStr | None = Field(
        None, validation_alias=AliasChoices("openai_api_key", "openai-api-key"), description="Key of OpenAI."
    )
    database_pool_size: int = Field(
        20,
        ge=1,
        le=100,
        validation_alias=AliasChoices("database_pool_size", "db_connection_limit"),
        description="Connections of one process (DB_CONNECTION_LIMIT of the config map).",
    )
    database_max_overflow: int = Field(0, ge=0, le=100, description="Connections added in a rush.")

    @model_validator(mode="before")
    @classmethod
    def _one_database(cls, values: dict[str, object]) -> dict[str, object]:
        """Requests need no way past the pooler."""
        return filled(values, _DIRECT, _DATABASE)


class RecipeTaskSettings(RecipeSettings):
    """Configuration of migrations, maintenance and backups, which go past the pooler; requests have no part in it."""

    @model_validator(mode="before")
    @classmethod
    def _one_database(cls, values: dict[str, object]) -> dict[str, object]:
        return filled(values, _DATABASE, _DIRECT)


def text_settings() -> RecipeSettings:
    """Settings of the worker that writes recipes. Raises ConfigurationError."""
    return loaded_for_writing(RecipeSettings)


def video_settings() -> RecipeSettings:
    """Settings of the worker that renders videos. Raises ConfigurationError."""
    return loaded_with_bucket(RecipeSettings)
