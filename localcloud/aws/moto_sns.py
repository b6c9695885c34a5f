"""E-mail subscriptions of moto's SNS wait for the person who gets the mail (SNS API, Subscribe: "PendingConfirmation";
ConfirmSubscription.Token). The token that a mail would bring is the last part of the subscription's ARN.
"""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.sns import urls
from moto.sns.exceptions import SNSInvalidParameter
from moto.sns.models import Subscription
from moto.sns.responses import SNSResponse

MAIL = ("email", "email-json")


class ExtendedSNSResponse(SNSResponse):
    """Moto's handler with people who have not answered yet."""

    def subscribe(self) -> ActionResult:
        """A new subscription by e-mail is pending."""
        answer = super().subscribe()
        for one in self.backend.subscriptions.values():
            if one.protocol in MAIL and not one.confirmed:
                self._set(one, pending=True)
        return answer

    def confirm_subscription(self) -> ActionResult:
        """The token must be of a subscription of the topic; moto takes any."""
        arn = f"{self._get_param('TopicArn')}:{self._get_param('Token')}"
        found = self.backend.subscriptions.get(arn)
        if found is None:
            raise SNSInvalidParameter("Invalid parameter: Token")
        found.confirmed = True
        self._set(found, pending=False)
        return ActionResult({"SubscriptionArn": arn})

    @staticmethod
    def _set(subscription: Subscription, *, pending: bool) -> None:
        subscription.attributes |= {"PendingConfirmation": pending, "ConfirmationWasAuthenticated": not pending}


def extend() -> None:
    """Put our handler in the place of moto's in its table of addresses."""
    urls.url_paths["{0}/$"] = ExtendedSNSResponse.dispatch
