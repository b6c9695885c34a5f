"""Settings of TEMPLATE_name: its own beside those of every product."""

from pydantic import Field, model_validator

from app.service_settings import ServiceSettings, filled


class Settings(ServiceSettings):
    """Configuration of the process that answers requests, which goes through the pooler."""

    item_rows: int = Field(50, ge=1, le=100, description="Items of the list (ITEM_ROWS).")

    @model_validator(mode="before")
    @classmethod
    def _one_database(cls, values: dict[str, object]) -> dict[str, object]:
        """Nothing listens here, so the way past the pooler is needed by tasks alone."""
        return filled(values, ("database_url_direct",), ("database_url",))


class TaskSettings(Settings):
    """Configuration of migrations, maintenance and backups, which go past the pooler."""

    @model_validator(mode="before")
    @classmethod
    def _one_database(cls, values: dict[str, object]) -> dict[str, object]:
        return filled(values, ("database_url",), ("database_url_direct",))
