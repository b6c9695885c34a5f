"""Settings of recipe-app, by the names of its document (documents/D-recipe-app.txt).

The document's Secret has the keys database-url, jwt-secret and openai-api-key; mounted as files they are found by these
names too.
"""

from pydantic import AliasChoices, Field, SecretStr, model_validator

from app.process_settings import ProcessSettings, Region
from app.service_settings import DatabaseUrl
from app.settings import Settings

_DATABASE = ("database_url", "database-url")
_DIRECT = ("database_url_direct", "database-url-direct")


class RecipePageSettings(ProcessSettings):
    """Configuration of the front end, which has neither a database nor a secret."""


class RecipeSettings(Settings):
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
    queue_limit: int = Field(1000, ge=1, le=100_000, description="Jobs that wait in one queue at most; then 429.")
    video_bucket: str | None = Field(None, description="S3 bucket of the videos; without it none is made.")
    video_bucket_region: Region | None = Field(None, description="Default: the region of the service.")
    video_url_seconds: int = Field(900, ge=10, le=604_800, description="Life of a video's signed address.")
    video_days: int = Field(7, ge=1, le=3650, description="The bucket of videos deletes each after so many days.")
    archive_bucket: str | None = Field(None, description="S3 bucket of the archive; default: BACKUP_BUCKET.")
    archive_bucket_region: Region | None = Field(None, description="Default: that of the bucket of backups.")

    @model_validator(mode="before")
    @classmethod
    def _one_database(cls, values: dict[str, object]) -> dict[str, object]:
        """Requests need no way past the pooler."""
        return _filled(values, _DIRECT, _DATABASE)


class RecipeTaskSettings(RecipeSettings):
    """Configuration of migrations, maintenance and backups, which go past the pooler; requests have no part in it."""

    @model_validator(mode="before")
    @classmethod
    def _one_database(cls, values: dict[str, object]) -> dict[str, object]:
        return _filled(values, _DATABASE, _DIRECT)


def _filled(values: dict[str, object], names: tuple[str, ...], sources: tuple[str, ...]) -> dict[str, object]:
    """The values with a missing one taken from another."""
    if any(name in values for name in names):
        return values
    found = next((values[source] for source in sources if source in values), None)
    return values if found is None else {names[0]: found, **values}
