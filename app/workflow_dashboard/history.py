"""Migrations of workflow-dashboard's database."""

from typing import Final

from app.history import History

HISTORY: Final = History("workflow-dashboard", "app.workflow_dashboard.migrations", "workflows")
