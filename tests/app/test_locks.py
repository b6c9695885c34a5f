"""Work that one process does at a time never stops anything else."""

from collections.abc import Callable
from datetime import timedelta

from conftest import apart
from sqlalchemy import text

from app.domain import GenerationRequest
from app.ids import JobId
from app.intake import Submission
from app.lifecycle import Lifecycle
from app.locks import Lock
from app.scratch import scratch
from app.services import running
from app.settings import Settings
from app.sweeper import Swept, sweep

LOST = GenerationRequest.model_validate({"topic": "Quiet offices", "content_type": "social", "client_id": "acme"})


def test_no_two_locks_have_one_number() -> None:
    assert len({lock.value for lock in Lock}) == len(Lock.__members__) >= 5


def test_sweeps_and_restore_checks_do_not_stop_each_other(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings()

    async def both() -> tuple[Swept, bool]:
        async with running(settings, Lifecycle()) as services:
            await services.intake.accept(Submission(JobId.new("use1"), LOST, None))
            async with services.database.write() as connection:
                await connection.execute(text("DELETE FROM pgqueuer"))
            async with scratch(settings):
                during = await sweep(services.database, timedelta(0))
            async with services.database.write() as connection:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": Lock.SWEEP})
                async with scratch(settings):
                    return during, True

    assert apart(both()) == (Swept(requeued=1, expired=0), True)
