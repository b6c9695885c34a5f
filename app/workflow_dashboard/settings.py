"""Settings of workflow-dashboard, by the names of its document (documents/B-workflow-dashboard.txt)."""

from pydantic import AliasChoices, Field, model_validator

from app.process_settings import Environment, ProcessSettings
from app.service_settings import ServiceSettings, filled

_ENVIRONMENT = AliasChoices("environment", "env")
"""The document calls it ENV; the platform's other processes ENVIRONMENT."""


class DashboardPageSettings(ProcessSettings):
    """Configuration of the front end, which has neither a database nor a secret."""

    environment: Environment = Field(
        Environment.LOCAL, validation_alias=_ENVIRONMENT, description="Environment of the stack."
    )


class DashboardSettings(ServiceSettings):
    """Configuration of the back end, whose requests go through the pooler and to the replica."""

    environment: Environment = Field(
        Environment.LOCAL, validation_alias=_ENVIRONMENT, description="Environment of the stack."
    )
    database_pool_size: int = Field(20, ge=1, le=100, description="Connections kept open.")
    database_max_overflow: int = Field(40, ge=0, le=100, description="Connections added in a rush.")

    @model_validator(mode="before")
    @classmethod
    def _one_database(cls, values: dict[str, object]) -> dict[str, object]:
        """Nothing listens here, so the way past the pooler is needed by tasks alone."""
        return filled(values, ("database_url_direct",), ("database_url",))


class DashboardTaskSettings(DashboardSettings):
    """Configuration of migrations, maintenance and backups, which go past the pooler; requests have no part in it."""

    @model_validator(mode="before")
    @classmethod
    def _one_database(cls, values: dict[str, object]) -> dict[str, object]:
        return filled(values, ("database_url",), ("database_url_direct",))
