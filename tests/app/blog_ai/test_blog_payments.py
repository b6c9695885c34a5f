"""Stripe's events: verified by its signature, taken once and in order, and the tiers of keys they change (E13)."""

from __future__ import annotations

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from blog_site import MakeBlog
from conftest import Servers
from listening import Seen, listening
from shelf import run_sql
from starlette.testclient import TestClient
from stripe import WebhookSignature

from app.access.tiers import Tier
from app.blog_ai.subscriptions import Changed, Settled, Step, Subscription

pytestmark = pytest.mark.requirement("E13")
SECRET = "whsec_a-secret-of-stripes-endpoint"
TOKEN = "an-administrators-token"
PRICES = {"starter": "price_starter1", "pro": "price_pro1", "business": "price_business1"}
SETTINGS = {
    "stripe_webhook_secret": SECRET,
    "allowed_admin_ips": "203.0.113.0/24",
    "admin_token": TOKEN,
    **{f"stripe_price_id_{tier}": price for tier, price in PRICES.items()},
}
NOW = int(time.time())
_ids = itertools.count(1)


def event(kind: str, subscription: dict[str, object], created: int = NOW, event_id: str | None = None) -> bytes:
    """As Stripe sends it, with fields that nobody here reads."""
    name = event_id or f"evt_{next(_ids)}"
    data = {"object": subscription, "previous_attributes": {}}
    return json.dumps(
        {"id": name, "object": "event", "api_version": "2026-01-28", "created": created, "type": kind, "data": data}
    ).encode()


def subscription(
    price: str = PRICES["pro"], status: str = "active", client: str | None = "acme", **more: object
) -> dict[str, object]:
    metadata = {} if client is None else {"client_id": client}
    items = {"object": "list", "data": [{"id": "si_1", "price": {"id": price, "unit_amount": 900}}]}
    return {"id": "sub_1", "object": "subscription", "status": status, "metadata": metadata, "items": items, **more}


def invoice(name: str = "sub_1", *, old: bool = False) -> dict[str, object]:
    if old:
        return {"id": "in_1", "object": "invoice", "subscription": name}
    parent = {"type": "subscription_details", "subscription_details": {"subscription": name, "metadata": {}}}
    return {"id": "in_1", "object": "invoice", "parent": parent}


def send(client: TestClient, body: bytes, secret: str = SECRET, moment: int | None = None) -> int:
    header = WebhookSignature.generate_signature_header(body.decode(), secret, moment or int(time.time()))
    return client.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": header}).status_code


def key_of(client: TestClient, name: str = "acme") -> str:
    reply = client.post("/admin/keys", json={"client_id": name, "tier": "free"}, headers={"X-Admin-Token": TOKEN})
    return str(reply.json()["secret"])


def minute(client: TestClient, key: str) -> str:
    """Requests a minute that the service grants the key."""
    return client.get("/jobs", headers={"X-API-Key": key}).headers["x-ratelimit-limit"]


def figure(client: TestClient, line: str) -> float:
    found = [one.rpartition(" ")[2] for one in client.get("/metrics").text.splitlines() if one.startswith(line + " ")]
    return float(found[0]) if found else 0.0


@pytest.fixture
def paying(make_blog: MakeBlog) -> tuple[TestClient, str]:
    client = make_blog(**{**SETTINGS, "rate_limit_enabled": True})
    return client, key_of(client)


@pytest.mark.parametrize(("tier", "limit"), [("starter", "60"), ("pro", "120"), ("business", "300")])
def test_a_subscription_gives_every_key_of_its_client_the_tier_of_its_price(
    make_blog: MakeBlog, tier: str, limit: str
) -> None:
    client = make_blog(**{**SETTINGS, "rate_limit_enabled": True})
    first, second, other = key_of(client), key_of(client), key_of(client, "other")
    assert minute(client, first) == "30"
    assert send(client, event("customer.subscription.created", subscription(PRICES[tier]))) == 204
    assert [minute(client, key) for key in (first, second, other)] == [limit, limit, "30"]


def test_a_subscription_that_changes_plan_or_ends_changes_the_tier(paying: tuple[TestClient, str]) -> None:
    client, key = paying
    send(client, event("customer.subscription.created", subscription(PRICES["starter"]), NOW - 30))
    send(client, event("customer.subscription.updated", subscription(PRICES["business"]), NOW - 20))
    assert minute(client, key) == "300"
    send(client, event("customer.subscription.updated", subscription(PRICES["business"], "past_due"), NOW - 15))
    assert minute(client, key) == "30"
    send(client, event("customer.subscription.updated", subscription(PRICES["business"]), NOW - 12))
    assert minute(client, key) == "300"
    send(client, event("customer.subscription.deleted", subscription("price_gone", "canceled"), NOW - 10))
    assert minute(client, key) == "30"


@pytest.mark.parametrize("old", [False, True])
def test_a_payment_that_fails_is_counted_and_leaves_the_client_free_until_one_is_made(
    paying: tuple[TestClient, str], old: bool
) -> None:
    client, key = paying
    before = figure(client, "stripe_payment_failures_total")
    send(client, event("customer.subscription.created", subscription(), NOW - 30))
    failed = event("invoice.payment_failed", invoice(old=old), NOW - 20)
    assert [send(client, failed), send(client, failed)] == [204, 204]
    assert minute(client, key) == "30"
    assert figure(client, "stripe_payment_failures_total") - before == 1
    assert send(client, event("invoice.paid", invoice(old=old), NOW - 10)) == 204
    assert minute(client, key) == "120"


def test_an_event_that_comes_again_changes_nothing(paying: tuple[TestClient, str]) -> None:
    client, key = paying
    replayed = 'stripe_events_total{outcome="replayed",type="customer.subscription.updated"}'
    before = figure(client, replayed)
    first = event("customer.subscription.updated", subscription(PRICES["pro"]))
    assert send(client, first) == 204
    # The same second, so that only its id tells the first from a new one.
    send(client, event("customer.subscription.deleted", subscription(status="canceled")))
    assert send(client, first) == 204
    assert minute(client, key) == "30"
    assert figure(client, replayed) - before == 1


def test_events_out_of_order_leave_what_the_newest_says(paying: tuple[TestClient, str]) -> None:
    client, key = paying
    send(client, event("customer.subscription.updated", subscription(PRICES["business"]), NOW - 10))
    assert send(client, event("customer.subscription.created", subscription(PRICES["starter"]), NOW - 20)) == 204
    assert minute(client, key) == "300"
    # An invoice's event may come before its subscription's first.
    send(client, event("invoice.payment_failed", invoice("sub_2"), NOW - 5))
    second = {**subscription(PRICES["pro"], client="late"), "id": "sub_2"}
    late = key_of(client, "late")
    send(client, event("customer.subscription.created", second, NOW - 5))
    assert minute(client, late) == "30"


def test_a_client_has_the_best_of_its_subscriptions(paying: tuple[TestClient, str]) -> None:
    client, key = paying
    second = {**subscription(PRICES["business"]), "id": "sub_2"}
    send(client, event("customer.subscription.created", subscription(PRICES["starter"])))
    send(client, event("customer.subscription.created", second, NOW - 5))
    assert minute(client, key) == "300"
    send(client, event("customer.subscription.deleted", {**second, "status": "canceled"}))
    assert minute(client, key) == "60"


def test_a_subscription_that_moves_to_another_client_leaves_the_first_one(paying: tuple[TestClient, str]) -> None:
    client, key = paying
    other = key_of(client, "other")
    send(client, event("customer.subscription.created", subscription(), NOW - 5))
    send(client, event("customer.subscription.updated", subscription(client="other"), NOW - 4))
    assert [minute(client, key), minute(client, other)] == ["30", "120"]


def test_many_events_at_once_end_with_what_the_newest_says(
    make_blog: MakeBlog, servers: Servers, blog_url: str
) -> None:
    client = make_blog(**SETTINGS)
    key_of(client)
    tiers = list(PRICES.values())
    bodies = [
        event("customer.subscription.updated", subscription(tiers[number % 3]), NOW - 100 + number)
        for number in range(24)
    ]
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda body: send(client, body), [*bodies, *bodies])) == {204}
    database = blog_url.rpartition("/")[2].partition("?")[0]
    assert run_sql(servers, database, "SELECT tier FROM api_keys") == [("business",)]
    assert run_sql(servers, database, "SELECT count(*) FROM stripe_events") == [(24,)]


@pytest.mark.requirement("E03")
def test_a_forged_an_unsigned_and_an_old_event_are_refused_and_change_nothing(paying: tuple[TestClient, str]) -> None:
    client, key = paying
    body = event("customer.subscription.created", subscription())
    assert send(client, body, "whsec_of-somebody-else") == 401
    assert send(client, body, moment=int(time.time()) - 301) == 401
    assert client.post("/webhooks/stripe", content=body).status_code == 401
    good = WebhookSignature.generate_signature_header(body.decode(), SECRET)
    changed = body.replace(b"price_pro1", b"price_bus1")
    assert client.post("/webhooks/stripe", content=changed, headers={"Stripe-Signature": good}).status_code == 401
    assert client.post("/webhooks/stripe", content=b"\xff", headers={"Stripe-Signature": good}).status_code == 401
    assert minute(client, key) == "30"


@pytest.mark.requirement("X03")
def test_a_client_sees_its_subscriptions_and_they_are_erased_with_it(
    paying: tuple[TestClient, str], servers: Servers, blog_url: str
) -> None:
    client, key = paying
    send(client, event("customer.subscription.created", subscription()))
    send(client, event("customer.subscription.created", {**subscription(client="other"), "id": "sub_2"}))
    lines = [json.loads(line) for line in client.get("/export", headers={"X-API-Key": key}).text.splitlines()]
    assert [line["row"]["id"] for line in lines if line.get("table") == "stripe_subscriptions"] == ["sub_1"]
    assert client.post("/erase", json={"client_id": "acme"}, headers={"X-API-Key": key}).status_code == 200
    database = blog_url.rpartition("/")[2].partition("?")[0]
    assert run_sql(servers, database, "SELECT id FROM stripe_subscriptions") == [("sub_2",)]


def test_without_a_secret_no_event_is_believed(make_blog: MakeBlog) -> None:
    client = make_blog()
    assert send(client, event("customer.subscription.created", subscription()), "whsec_anything-at-all") == 401


@pytest.mark.parametrize("which", ["stripe_webhook_secret_before", "stripe_webhook_secret_next"])
def test_the_secret_before_and_the_one_to_come_are_believed_too(make_blog: MakeBlog, which: str) -> None:
    client = make_blog(**SETTINGS, **{which: "whsec_another-of-ours"})
    body = event("customer.subscription.created", subscription())
    assert send(client, body, "whsec_another-of-ours") == 204


def test_a_price_of_no_plan_is_refused_by_name_and_taken_once_the_settings_have_it(make_blog: MakeBlog) -> None:
    body = event("customer.subscription.created", subscription("price_new"))
    client = make_blog(**{**SETTINGS, "rate_limit_enabled": True})
    header = WebhookSignature.generate_signature_header(body.decode(), SECRET)
    refused = client.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": header})
    assert refused.status_code == 422
    assert "price_new" in refused.json()["detail"] and "STRIPE_PRICE_ID_STARTER" in refused.json()["detail"]
    later = make_blog(**{**SETTINGS, "rate_limit_enabled": True, "stripe_price_id_pro": "price_new"})
    key = key_of(later)
    assert send(later, body) == 204
    assert minute(later, key) == "120"


@pytest.mark.parametrize(
    "body",
    [
        event("customer.subscription.created", subscription(client=None)),
        event("customer.subscription.created", subscription(client="no client's name")),
        event("customer.subscription.created", {"id": "sub_1"}),
        b'{"id": "evt_1"}',
        b"[]",
    ],
)
def test_an_event_that_does_not_say_whose_tier_it_changes_is_refused(make_blog: MakeBlog, body: bytes) -> None:
    assert send(make_blog(**SETTINGS), body) == 422


@pytest.mark.parametrize(
    "body",
    [event("charge.succeeded", {"id": "ch_1"}), event("invoice.paid", {"id": "in_1", "subscription": None})],
)
def test_an_event_of_no_interest_is_taken_and_changes_nothing(paying: tuple[TestClient, str], body: bytes) -> None:
    client, key = paying
    assert send(client, body) == 204
    assert minute(client, key) == "30"


@pytest.mark.parametrize(("answer", "connected"), [(200, True), (403, True), (401, False), (500, False)])
def test_the_check_of_stripe_carries_the_key_and_one_that_stripe_refuses_is_no_connection(
    make_blog: MakeBlog, answer: int, connected: bool
) -> None:
    asked: list[Seen] = []

    def stripe(seen: Seen) -> tuple[int, bytes]:
        asked.append(seen)
        return answer, b"{}"

    with listening(stripe) as url:
        client = make_blog(stripe_secret_key="sk_test_canary", stripe_api_url=url)
        until = time.monotonic() + 10
        while not asked and time.monotonic() < until:
            time.sleep(0.02)
        status = 200 if connected else 503
        while (reply := client.get("/health/stripe")).status_code != status and time.monotonic() < until:
            time.sleep(0.02)
    assert reply.json() == {"stripe": {"connected": connected}}
    assert (asked[0].path, asked[0].headers["authorization"]) == ("/v1/balance", "Bearer sk_test_canary")


AT = datetime(2026, 1, 1, tzinfo=UTC)


def changed(seconds: int, step: Step, tier: Tier, status: str = "active") -> Changed:
    return Changed(AT + timedelta(seconds=seconds), step, "acme", tier, status)


def settled(seconds: int, *, paid: bool) -> Settled:
    return Settled(AT + timedelta(seconds=seconds), paid)


@pytest.mark.parametrize(
    ("tier", "events"),
    [
        (
            Tier.PRO,
            [
                changed(0, Step.CREATED, Tier.STARTER, "incomplete"),
                changed(0, Step.UPDATED, Tier.STARTER),
                changed(9, Step.UPDATED, Tier.PRO),
                settled(0, paid=True),
                settled(10, paid=False),
                settled(10, paid=True),
            ],
        ),
        (
            Tier.STARTER,
            [changed(0, Step.CREATED, Tier.STARTER), settled(5, paid=False), changed(9, Step.UPDATED, Tier.STARTER)],
        ),
        (Tier.FREE, [changed(0, Step.CREATED, Tier.STARTER), settled(5, paid=False), settled(4, paid=True)]),
        (Tier.FREE, [changed(0, Step.DELETED, Tier.FREE, "canceled"), changed(0, Step.UPDATED, Tier.STARTER)]),
    ],
)
def test_whatever_the_order_of_the_events_the_end_is_the_same(tier: Tier, events: list[Changed | Settled]) -> None:
    ends = set()
    for order in itertools.permutations(events):
        state = Subscription()
        for one in order:
            state = state.after(one) or state
        ends.add(state)
    assert [end.in_force for end in ends] == [tier]
