"""Routes that exist only outside production (E02, E11)."""

from fastapi import APIRouter

from app.api.dependencies import ServicesNow

router = APIRouter(tags=["debug"])


@router.get("/config-status")
async def configuration(services: ServicesNow) -> dict[str, str]:
    """The settings in force; secrets only as set or not set."""
    return {name: str(value) for name, value in services.settings}


@router.get("/debug-sentry", include_in_schema=False)
async def break_on_purpose() -> None:
    """An error to see in Sentry."""
    raise RuntimeError("raised on purpose by /debug-sentry")
