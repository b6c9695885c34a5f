"""Workflows and tasks as requests and answers have them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.domain import Line, Strict
from app.limits import TASK_ROWS, TASK_TITLE, WORKFLOW_DESCRIPTION, WORKFLOW_NAME

Name = Annotated[Line, StringConstraints(min_length=1, max_length=WORKFLOW_NAME)]
Title = Annotated[Line, StringConstraints(min_length=1, max_length=TASK_TITLE)]
# Tabs and line ends are a description's, other control characters are nobody's.
Description = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=WORKFLOW_DESCRIPTION, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
    ),
]
Position = Annotated[int, Field(ge=1, le=TASK_ROWS, strict=True, description="Place in the workflow, from 1.")]


class WorkflowStatus(StrEnum):
    """State of a workflow; its owner sets it."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"


class TaskStatus(StrEnum):
    """State of a task."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    DONE = "done"


class NewWorkflow(Strict):
    """The body of POST /api/workflows."""

    name: Name = Field(examples=["Publish the newsletter"])
    description: Description = Field("", examples=["Every Friday."])


class Change(Strict):
    """A change names at least one field, and none as null."""

    @model_validator(mode="after")
    def _something(self) -> "Change":
        if not self.model_fields_set:
            raise ValueError(f"name at least one of {', '.join(type(self).model_fields)}")
        empty = [name for name in sorted(self.model_fields_set) if getattr(self, name) is None]
        if empty:
            raise ValueError(f"{', '.join(empty)}: null is no value; leave the field out to keep what is stored")
        return self


class WorkflowChange(Change):
    """The body of PATCH /api/workflows/{id}."""

    name: Name | None = None
    description: Description | None = None
    status: WorkflowStatus | None = None


class NewTask(Strict):
    """The body of POST /api/workflows/{id}/tasks."""

    title: Title = Field(examples=["Write the introduction"])


class TaskChange(Change):
    """The body of PATCH /api/tasks/{id}."""

    title: Title | None = None
    status: TaskStatus | None = None
    position: Position | None = None


class Shown(BaseModel):
    """Base of answers, made from rows."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class ListedTask(Shown):
    """A task in the list of workflows: only what the list shows."""

    id: UUID
    title: str
    status: TaskStatus
    position: int = Field(ge=1)


class Task(ListedTask):
    """A task by itself."""

    workflow_id: UUID
    created_at: datetime
    updated_at: datetime


class Workflow(Shown):
    """A workflow with its tasks, by position."""

    id: UUID
    user_id: str = Field(description="Client that made it, and alone may change it.")
    name: str
    description: str
    status: WorkflowStatus
    created_at: datetime
    updated_at: datetime
    tasks: tuple[ListedTask, ...] = ()
