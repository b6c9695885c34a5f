"""The care that blog-ai's database needs (K17): content generation's, and events of Stripe that cannot come again."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from app.blog_ai.tables import OWNED
from app.chores import Chore, Schedule, deletion
from app.maintenance import CHORES as OF_CONTENT
from app.maintenance import TEXTS_MONTHS
from app.restore import Aftercare, complete_content

AFTERCARE: Final[Aftercare] = partial(complete_content, more=OWNED)
"""A restored copy has the rights and erasures of content generation's tables, and of blog-ai's own."""

EVENTS: Final = deletion("stripe events", "stripe_events", "taken_at < now() - interval '60 days'")
"""Stripe repeats an event for three days, and people may send one again for 30 (docs.stripe.com/webhooks)."""

PICTURES: Final = deletion(
    "archive pictures",
    "pictures",
    f"created_at < date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '{TEXTS_MONTHS} months'",
)
"""A picture goes with the text that it is for."""

_OWN: Final = {Schedule.WEEKLY: (EVENTS,), Schedule.MONTHLY: (PICTURES,)}
CHORES: Mapping[Schedule, tuple[Chore, ...]] = {
    schedule: (*chores, *_OWN.get(schedule, ())) for schedule, chores in OF_CONTENT.items()
}
