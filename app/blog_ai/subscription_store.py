"""Subscriptions in the database: each event is taken once, in one transaction with the tiers it changes (E13)."""

from enum import StrEnum

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.access.tiers import Tier
from app.blog_ai.stripe_events import Fact
from app.blog_ai.subscriptions import Step, Subscription, highest
from app.blog_ai.tables import stripe_events, stripe_subscriptions
from app.cache import Cache
from app.database import Database
from app.tables import api_keys


class Outcome(StrEnum):
    """Effect of an event; the label of a metric."""

    CHANGED = "changed"
    LATE = "late"
    REPLAYED = "replayed"

    @property
    def new(self) -> bool:
        """False for an event that was taken before."""
        return self is not Outcome.REPLAYED


class SubscriptionStore:
    """Takes events, and changes the keys of their clients."""

    def __init__(self, database: Database, cache: Cache) -> None:
        self._database = database
        self._cache = cache

    async def take(self, fact: Fact) -> Outcome:
        """Take an event, whatever came before it. Raises DatabaseUnavailable, after which it counts as not taken."""
        async with self._database.write() as connection:
            first = insert(stripe_events).values(id=fact.event_id, taken_at=func.now()).on_conflict_do_nothing()
            if not (await connection.execute(first)).rowcount:
                return Outcome.REPLAYED
            before = await self._locked(connection, fact.subscription)
            now = before.after(fact.change)
            if now is None:
                return Outcome.LATE
            own = update(stripe_subscriptions).where(stripe_subscriptions.c.id == fact.subscription)
            await connection.execute(own.values(_values(now)))
            changed: list[str] = []
            for client in sorted({client for client in (before.client_id, now.client_id) if client}):
                changed += await self._apply(connection, client)
        await self._cache.invalidate(*(f"key:{key}" for key in changed))
        return Outcome.CHANGED

    async def _locked(self, connection: AsyncConnection, subscription: str) -> Subscription:
        await connection.execute(
            insert(stripe_subscriptions).values(id=subscription, **_values(Subscription())).on_conflict_do_nothing()
        )
        one = select(stripe_subscriptions).where(stripe_subscriptions.c.id == subscription).with_for_update()
        return _read((await connection.execute(one)).one())

    async def _apply(self, connection: AsyncConnection, client: str) -> list[str]:
        """Give every key of a client the best tier of its subscriptions; the ids of those that had another."""
        # Two subscriptions of one client change one after the other, so that the second sees both.
        one = text("SELECT pg_advisory_xact_lock(hashtext('stripe'), hashtext(:client))")
        await connection.execute(one, {"client": client})
        theirs = select(stripe_subscriptions).where(stripe_subscriptions.c.client_id == client)
        tier = highest([_read(row).in_force for row in await connection.execute(theirs)])
        other = (api_keys.c.client_id == client) & (api_keys.c.tier != tier.value)
        change = update(api_keys).where(other).values(tier=tier.value, changed_at=func.now()).returning(api_keys.c.id)
        return list((await connection.execute(change)).scalars())


def _values(one: Subscription) -> dict[str, object]:
    return {
        "client_id": one.client_id,
        "tier": one.tier.value,
        "status": one.status,
        "changed_at": one.changed_at,
        "changed_step": int(one.changed_step),
        "paid": one.paid,
        "settled_at": one.settled_at,
    }


def _read(row: Row[tuple[object, ...]]) -> Subscription:
    return Subscription(
        client_id=row.client_id,
        tier=Tier(row.tier),
        status=row.status,
        changed_at=row.changed_at,
        changed_step=Step(row.changed_step),
        paid=row.paid,
        settled_at=row.settled_at,
    )
