"""Workflows and tasks in Postgres: reads from the replica, changes on the primary (B02).

A workflow belongs to the client that made it. Every client of the deployment sees it; its owner alone changes it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import JSON, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from app.batch import Batcher, sharing_commits
from app.database import Database
from app.ids import uuid7
from app.limits import TASK_ROWS, WORKFLOW_ROWS
from app.workflow_dashboard.models import NewWorkflow, Task, TaskChange, Workflow, WorkflowChange, WorkflowStatus
from app.workflow_dashboard.models import TaskStatus as Status
from app.workflow_dashboard.tables import tasks, workflows


class NotFound(Exception):
    """There is no such workflow or task."""


class NotOwner(Exception):
    """The workflow is another client's."""


class TooManyTasks(Exception):
    """The workflow has as many tasks as one may have."""


class WorkflowStore:
    """Workflows of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._creating: Batcher[Mapping[str, object], Workflow] = sharing_commits(self._create)

    async def page(self, limit: int, before: UUID | None = None, user_id: str | None = None) -> list[Workflow]:
        """Workflows with their tasks, newest first; those made before another one, and of one client, if asked for."""
        conditions = []
        if before is not None:
            conditions.append(workflows.c.id < before)
        if user_id is not None:
            conditions.append(workflows.c.user_id == user_id)
        rows = await self._database.rows(_whole(and_(True, *conditions), limit))
        return [Workflow.model_validate(row) for row in rows]

    async def first_page(self, connection: AsyncConnection) -> list[Workflow]:
        """The newest workflows of all clients, as a connection sees them."""
        return [Workflow.model_validate(row) for row in await connection.execute(_whole(_ALL, WORKFLOW_ROWS))]

    async def get(self, workflow: UUID) -> Workflow:
        """One workflow with its tasks. Raises NotFound."""
        statement = _whole(workflows.c.id == workflow, 1)
        # A replica may not have it yet.
        found = await self._database.rows(statement) or await self._database.rows(statement, fresh=True)
        if not found:
            raise NotFound
        return Workflow.model_validate(found[0])

    async def tasks(self, workflow: UUID) -> list[Task]:
        """Its tasks, by position. Raises NotFound."""
        statement = select(tasks).where(tasks.c.workflow_id == workflow).order_by(tasks.c.position, tasks.c.id)
        found: Sequence[object] = await self._database.rows(statement)
        if not found:
            await self.get(workflow)
            found = await self._database.rows(statement, fresh=True)
        return [Task.model_validate(row) for row in found]

    async def create(self, owner: str, new: NewWorkflow) -> Workflow:
        """Store a workflow without tasks; those that are made at the same time share a commit (app.batch). Raises
        OverloadedError.
        """
        values = {"id": str(_new_id()), "user_id": owner, "status": WorkflowStatus.ACTIVE, **new.model_dump()}
        return await self._creating.ask(values)

    async def _create(self, batch: Sequence[Mapping[str, object]]) -> list[Workflow]:
        """Many workflows by one commit, whose price is the same."""
        async with self._database.write() as connection:
            made = await connection.execute(_INSERT, {"rows": json.dumps(batch)})
            found = {row.id: row for row in made}
        return [Workflow.model_validate(found[UUID(str(values["id"]))]) for values in batch]

    async def change(self, owner: str, workflow: UUID, change: WorkflowChange) -> Workflow:
        """Change what is given. Raises NotFound and NotOwner."""
        async with self._database.write() as connection:
            await _own(connection, workflow, owner)
            values = {**change.model_dump(exclude_unset=True), "updated_at": func.now()}
            await connection.execute(update(workflows).where(workflows.c.id == workflow).values(values))
            row = (await connection.execute(_whole(workflows.c.id == workflow, 1))).one()
        return Workflow.model_validate(row)

    async def delete(self, owner: str, workflow: UUID) -> None:
        """Delete it with its tasks. Raises NotFound and NotOwner."""
        async with self._database.write() as connection:
            await _own(connection, workflow, owner)
            await connection.execute(delete(workflows).where(workflows.c.id == workflow))

    async def add_task(self, owner: str, workflow: UUID, title: str) -> Task:
        """A task in the last place. Raises NotFound, NotOwner and TooManyTasks."""
        async with self._database.write() as connection:
            await _own(connection, workflow, owner)
            counted = await connection.execute(_PLACES.where(tasks.c.workflow_id == workflow))
            count, last = counted.one()
            if count >= TASK_ROWS:
                raise TooManyTasks
            values = {"id": _new_id(), "workflow_id": workflow, "title": title, "status": Status.PENDING}
            added = insert(tasks).values({**values, "position": min(last + 1, TASK_ROWS)}).returning(tasks)
            row = (await connection.execute(added)).one()
            await _touch(connection, workflow)
        return Task.model_validate(row)

    async def change_task(self, owner: str, task: UUID, change: TaskChange) -> Task:
        """Change what is given. Raises NotFound and NotOwner."""
        async with self._database.write() as connection:
            found = await connection.execute(select(tasks.c.workflow_id).where(tasks.c.id == task))
            workflow = found.scalar()
            if workflow is None:
                raise NotFound
            await _own(connection, workflow, owner)
            values = {**change.model_dump(exclude_unset=True), "updated_at": func.now()}
            changed = update(tasks).where(tasks.c.id == task).values(values).returning(tasks)
            row = (await connection.execute(changed)).one_or_none()
            if row is None:
                raise NotFound
            await _touch(connection, workflow)
        return Task.model_validate(row)


_INSERT: Final = text(
    "INSERT INTO workflows (id, user_id, name, description, status)"
    " SELECT id, user_id, name, description, status FROM jsonb_to_recordset(cast(:rows AS jsonb)) AS new"
    " (id uuid, user_id text, name text, description text, status text)"
    " RETURNING id, user_id, name, description, status, created_at, updated_at"
)
_ALL: Final = literal_column("true")
_PLACES: Final = select(func.count(), func.coalesce(func.max(tasks.c.position), 0))
_LISTED: Final = func.json_build_object(
    *("id", tasks.c.id, "title", tasks.c.title, "status", tasks.c.status, "position", tasks.c.position)
)


def _whole(condition: ColumnElement[bool], limit: int) -> Select[tuple[object, ...]]:
    """Workflows and their tasks by one statement: a query for each workflow's tasks would be up to fifty more."""
    eager = (
        select(func.json_agg(aggregate_order_by(_LISTED, tasks.c.position, tasks.c.id)))
        .where(tasks.c.workflow_id == workflows.c.id)
        .scalar_subquery()
    )
    listed = func.coalesce(eager, literal_column("'[]'::json"), type_=JSON).label("tasks")
    return select(workflows, listed).where(condition).order_by(workflows.c.id.desc()).limit(limit)


async def _own(connection: AsyncConnection, workflow: UUID, owner: str) -> None:
    """Hold the workflow until the end of the transaction, so that its tasks are counted and placed one at a time."""
    held = select(workflows.c.user_id).where(workflows.c.id == workflow).with_for_update()
    found = (await connection.execute(held)).scalar()
    if found is None:
        raise NotFound
    if found != owner:
        raise NotOwner


async def _touch(connection: AsyncConnection, workflow: UUID) -> None:
    await connection.execute(update(workflows).where(workflows.c.id == workflow).values(updated_at=func.now()))


def _new_id() -> UUID:
    return uuid7(int(datetime.now(UTC).timestamp() * 1000))
