"""Routes of workflows and tasks (B05). A change drops the cached list before it is answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from app.api.callers import caller, caller_of, parts, parts_of
from app.api.direct import Direct, body_document, body_of
from app.api.owner import Owner, owner_of
from app.api.problems import ProblemError, documented
from app.api.replies import as_json, shown
from app.domain import ClientId
from app.limits import TASK_ROWS, WORKFLOW_ROWS
from app.workflow_dashboard.current_list import LISTED
from app.workflow_dashboard.models import NewTask, NewWorkflow, Task, TaskChange, Workflow, WorkflowChange
from app.workflow_dashboard.services import DashboardServices
from app.workflow_dashboard.store import NotFound, NotOwner, TooManyTasks

router = APIRouter(prefix="/api", tags=["workflows"], dependencies=[Depends(caller)])
direct = APIRouter(prefix="/api", tags=["workflows"], route_class=Direct)
READ = documented(401, 404, 422, 429, 503)
CHANGE = documented(400, 401, 403, 404, 409, 413, 422, 429, 503)


services_of = parts_of(DashboardServices)
ServicesNow = Annotated[DashboardServices, Depends(parts(DashboardServices))]


@router.get("/workflows", response_model=list[Workflow], responses=documented(401, 422, 429, 503))
async def list_workflows(
    services: ServicesNow,
    limit: Annotated[int, Query(ge=1, le=WORKFLOW_ROWS)] = WORKFLOW_ROWS,
    before: Annotated[UUID | None, Query(description="Id of the last workflow of the page before.")] = None,
    user_id: Annotated[ClientId | None, Query(description="Only this client's.")] = None,
) -> Response:
    """All clients' workflows with their tasks, newest first; a page shorter than its limit is the last. Without any
    parameter the list is kept for five minutes, or until a workflow or task changes.
    """
    if before is None and user_id is None and limit == WORKFLOW_ROWS:
        return as_json(await services.listed.get())
    return as_json(LISTED.dump_json(await services.workflows.page(limit, before, user_id)))


@direct.post(
    "/workflows", status_code=201, response_model=Workflow, responses=CHANGE, openapi_extra=body_document(NewWorkflow)
)
async def create_workflow(request: Request) -> Response:
    """Make a workflow; it is its maker's."""
    owner, services = owner_of(request, caller_of(request)), services_of(request)
    body = await body_of(request, NewWorkflow)
    async with _changing(services):
        made = await services.workflows.create(owner, body)
    return shown(made, 201, Location=f"/api/workflows/{made.id}")


@router.get("/workflows/{workflow}", response_model=Workflow, responses=READ)
async def get_workflow(workflow: UUID, services: ServicesNow) -> Response:
    """One workflow with its tasks."""
    async with _refusals():
        return shown(await services.workflows.get(workflow))


@router.patch("/workflows/{workflow}", response_model=Workflow, responses=CHANGE)
async def change_workflow(workflow: UUID, body: WorkflowChange, services: ServicesNow, owner: Owner) -> Response:
    """Change name, description or status of a workflow of one's own."""
    async with _changing(services):
        return shown(await services.workflows.change(owner, workflow, body))


@router.delete("/workflows/{workflow}", status_code=204, responses=CHANGE)
async def delete_workflow(workflow: UUID, services: ServicesNow, owner: Owner) -> Response:
    """Delete a workflow of one's own, with its tasks."""
    async with _changing(services):
        await services.workflows.delete(owner, workflow)
    return Response(status_code=204)


@router.get("/workflows/{workflow}/tasks", response_model=list[Task], responses=READ)
async def list_tasks(workflow: UUID, services: ServicesNow) -> list[Task]:
    """A workflow's tasks, by position."""
    async with _refusals():
        return await services.workflows.tasks(workflow)


@router.post("/workflows/{workflow}/tasks", status_code=201, response_model=Task, responses=CHANGE)
async def add_task(workflow: UUID, body: NewTask, services: ServicesNow, owner: Owner) -> Response:
    """Add a task in the last place of a workflow of one's own."""
    async with _changing(services):
        return shown(await services.workflows.add_task(owner, workflow, body.title), 201)


@router.patch("/tasks/{task}", response_model=Task, responses=CHANGE)
async def change_task(task: UUID, body: TaskChange, services: ServicesNow, owner: Owner) -> Response:
    """Change title, status or position of a task in a workflow of one's own."""
    async with _changing(services):
        return shown(await services.workflows.change_task(owner, task, body))


@asynccontextmanager
async def _changing(services: DashboardServices) -> AsyncIterator[None]:
    async with _refusals(), services.listed.changing():
        yield


@asynccontextmanager
async def _refusals() -> AsyncIterator[None]:
    """Turn refusals of the store into problems."""
    try:
        yield
    except NotFound:
        raise ProblemError(404, "There is no such workflow or task.", code="not_found") from None
    except NotOwner:
        detail = "This workflow belongs to another client; only its owner may change it."
        raise ProblemError(403, detail, code="other_owner") from None
    except TooManyTasks:
        detail = f"A workflow has {TASK_ROWS} tasks at most; make another workflow."
        raise ProblemError(409, detail, code="too_many_tasks") from None
