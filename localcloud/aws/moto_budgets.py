"""Extension of moto's Budgets: updating a budget, its tags, and its subscribers (requirement M01)."""

from __future__ import annotations

import json
from collections import defaultdict

from moto.budgets import urls
from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget, Notification
from moto.budgets.responses import BudgetsResponse
from moto.core.utils import unix_time

_tags: dict[str, dict[str, str]] = defaultdict(dict)
"""Tags by the ARN of their budget: moto's own budget has no place for them."""


class ExtendedBudgetsResponse(BudgetsResponse):
    """Moto's handler with the operations the deployment and its tests use."""

    def create_budget(self) -> str:
        """Keep the tags moto drops."""
        answer = super().create_budget()
        name = self._get_param("Budget")["BudgetName"]
        arn = f"arn:aws:budgets::{self._get_param('AccountId')}:budget/{name}"
        _tags[arn] = {tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags", [])}
        return answer

    def update_budget(self) -> str:
        """Replace the budget, keep its notifications, as AWS does."""
        new = self._get_param("NewBudget")
        old = self._budget(new["BudgetName"])
        kept = {key: old.budget[key] for key in ("TimePeriod",) if key in old.budget and key not in new}
        old.budget = {**Budget({**new, **kept}, []).budget, "LastUpdatedTime": unix_time()}
        return json.dumps({})

    def describe_subscribers_for_notification(self) -> str:
        """The subscribers of one notification, which is named by its content."""
        budget, wanted = self._budget(self._get_param("BudgetName")), self._get_param("Notification")
        return json.dumps({"Subscribers": _notification(budget, wanted).subscribers})

    def list_tags_for_resource(self) -> str:
        """The tags of a budget."""
        tags = _tags[self._get_param("ResourceARN")]
        return json.dumps({"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]})

    def tag_resource(self) -> str:
        """Set tags."""
        added = {tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags", [])}
        _tags[self._get_param("ResourceARN")].update(added)
        return json.dumps({})

    def untag_resource(self) -> str:
        """Remove tags."""
        for key in self._get_param("ResourceTagKeys", []):
            _tags[self._get_param("ResourceARN")].pop(key, None)
        return json.dumps({})

    def _budget(self, name: str) -> Budget:
        budgets = self.backend.budgets[self._get_param("AccountId")]
        if name not in budgets:
            raise NotFoundException(f"Unable to get budget: {name} - the budget doesn't exist.")
        return budgets[name]


def _notification(budget: Budget, wanted: dict[str, str | float]) -> Notification:
    for notification in budget.notifications:
        if all(notification.details.get(key) == value for key, value in wanted.items()):
            return notification
    raise NotFoundException("Unable to get notification - the notification doesn't exist.")


def extend() -> None:
    """Put our handler in the place of moto's in its table of addresses."""
    urls.url_paths["{0}/$"] = ExtendedBudgetsResponse.dispatch
