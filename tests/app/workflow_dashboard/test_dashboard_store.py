"""Changes of one workflow at the same time, on a real database."""

from __future__ import annotations

import asyncio

import pytest
from conftest import apart

from app.database import Database
from app.workflow_dashboard.models import NewWorkflow, TaskChange, TaskStatus
from app.workflow_dashboard.settings import DashboardSettings
from app.workflow_dashboard.store import NotFound, TooManyTasks, WorkflowStore


@pytest.mark.requirement("B05")
def test_tasks_that_are_added_at_once_get_places_of_their_own_and_are_a_hundred_at_most(dashboard_url: str) -> None:
    async def scenario() -> None:
        async with Database(DashboardSettings(database_url=dashboard_url)) as database:  # type: ignore[arg-type]
            store = WorkflowStore(database)
            workflow = (await store.create("acme", NewWorkflow(name="Newsletter"))).id
            added = [store.add_task("acme", workflow, f"Task {number}") for number in range(110)]
            done = await asyncio.gather(*added, return_exceptions=True)
            assert sum(isinstance(one, TooManyTasks) for one in done) == 10
            assert [task.position for task in await store.tasks(workflow)] == list(range(1, 101))

    apart(scenario())


def test_a_task_is_changed_or_gone_when_its_workflow_is_deleted_meanwhile(dashboard_url: str) -> None:
    async def scenario() -> None:
        async with Database(DashboardSettings(database_url=dashboard_url)) as database:  # type: ignore[arg-type]
            store = WorkflowStore(database)
            for _ in range(20):
                workflow = (await store.create("acme", NewWorkflow(name="Newsletter"))).id
                task = (await store.add_task("acme", workflow, "Write it")).id
                changes = [store.change_task("acme", task, TaskChange(status=TaskStatus.DONE)) for _ in range(3)]
                *changed, deleted = await asyncio.gather(
                    *changes, store.delete("acme", workflow), return_exceptions=True
                )
                assert deleted is None
                assert all(
                    getattr(one, "status", None) is TaskStatus.DONE or isinstance(one, NotFound) for one in changed
                )
                with pytest.raises(NotFound):
                    await store.get(workflow)

    apart(scenario())
