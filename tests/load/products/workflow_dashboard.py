"""workflow-dashboard: without a queue, so what it promises is there at once or it is lost."""

from collections.abc import Mapping
from typing import Any

from tests.load.product import Ask, Floor, Product, Role


def _workflow(number: int) -> Mapping[str, object]:
    return {"name": f"Publish newsletter {number}", "description": "Every Friday."}


def _task(number: int) -> Mapping[str, object]:
    return {"title": f"Write part {number}"}


def _task_state(answer: Mapping[str, Any], task: str) -> str:
    return "active" if any(one["id"] == task for one in answer["tasks"]) else "missing"


WORKFLOW_DASHBOARD = Product(
    name="workflow-dashboard",
    asks=(
        Ask(
            "workflow",
            3,
            "/api/workflows",
            "/api/workflows/{id}",
            _workflow,
            "SELECT id::text, 'active' AS status, 1 AS attempt FROM workflows",
        ),
        Ask(
            "task",
            1,
            "/api/workflows/{of}/tasks",
            "/api/workflows/{of}",
            _task,
            "SELECT id::text, 'active' AS status, 1 AS attempt FROM tasks",
            _task_state,
        ),
    ),
    id_field="id",
    accepted=201,
    done="active",
    tables=("workflows", "tasks"),
    api=Role("workflows", ("serve", "--role", "workflows")),
    workers=(),
    page=Role("workflows-page", ("serve", "--role", "workflows-page")),
    listing="/api/workflows",
    floor=Floor(
        "app.workflow_dashboard.models:NewWorkflow",
        "id uuid PRIMARY KEY, user_id text NOT NULL, name text NOT NULL, description text NOT NULL,"
        " status text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),"
        " updated_at timestamptz NOT NULL DEFAULT now()",
        "INSERT INTO bare (id, user_id, name, description, status) VALUES ($1, 'guest', $2, $3, 'active')",
        ("name", "description"),
    ),
)
