"""Parts of workflow-dashboard."""

from typing import Final

from app.product import Process, Product

PRODUCT: Final = Product(
    settings="app.workflow_dashboard.settings:DashboardSettings",
    task_settings="app.workflow_dashboard.settings:DashboardTaskSettings",
    history="app.workflow_dashboard.history:HISTORY",
    chores="app.chores:CARE",
    aftercare="app.restore:complete_nothing",
    processes={
        "workflows": Process(
            "workflows and tasks",
            "app.workflow_dashboard.application:from_environment",
            "app.workflow_dashboard.settings:DashboardSettings",
        ),
        "workflows-page": Process(
            "their page",
            "app.workflow_dashboard.frontend:from_environment",
            "app.workflow_dashboard.settings:DashboardPageSettings",
        ),
    },
)
