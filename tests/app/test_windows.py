"""The arithmetic of rate limits: Redis' script and the process' own agree, and who waits as told gets through."""

import asyncio

import pytest
from conftest import Servers, apart
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from app.access.limiter import ADDRESS, Limiter, Question, Window, _windows
from app.access.tiers import TIERS, Tier
from app.access.windows import Count, take
from app.redis_link import RedisLink

LENGTH = 60_000


@given(limit=st.integers(1, 20), pauses=st.lists(st.integers(0, 90_000), min_size=1, max_size=80))
def test_no_window_of_the_length_lets_more_than_the_limit_pass_and_waiting_as_told_is_enough(
    limit: int, pauses: list[int]
) -> None:
    now, count = 0, None
    for pause in pauses:
        now += pause
        count, passes, left, wait = take(count, limit, LENGTH, now)
        assert 0 <= left < limit
        assert count.count <= limit
        if not passes:
            assert wait > 0
            _, through, _, _ = take(count, limit, LENGTH, now + wait)
            assert through, "who waits as long as told gets through"
            _, early, _, _ = take(count, limit, LENGTH, now + wait - 1)
            assert not early, "nobody is told to wait longer than needed"


def test_a_count_two_windows_old_is_forgotten() -> None:
    assert Count(1, 5, 3).at(2) == Count(2, 0, 5)
    assert Count(1, 5, 3).at(3) == Count(3, 0, 0)


def test_redis_and_the_process_count_alike(servers: Servers, empty_redis: None) -> None:
    """The same questions to the script and to the process; the script's clock runs on, so only what cannot have moved
    with it is compared.
    """

    async def ask() -> tuple[list[list[int]], list[list[int]]]:
        link = RedisLink(SecretStr(servers.redis_url), 1)
        limiter = Limiter(link)
        question = Question("somebody", (Window("hour", 7, 3600), Window("day", 5, 86_400)), False)
        by_redis = [list((await limiter._ask_redis([question]))[0]) for _ in range(9)]
        by_process = [list(limiter._ask_process(question)) for _ in range(9)]
        await limiter.close()
        return by_redis, by_process

    by_redis, by_process = apart(ask())
    for redis_says, process_says in zip(by_redis, by_process, strict=True):
        assert redis_says[:2] == process_says[:2] and redis_says[3:5] == process_says[3:5]
        for place in (2, 5):
            assert abs(redis_says[place] - process_says[place]) < 5000
    assert [answer[0] for answer in by_redis] == [1] * 7 + [0] * 2
    assert [answer[3] for answer in by_redis] == [1] * 5 + [0] * 4


@pytest.mark.requirement("A10")
def test_who_waits_as_told_by_redis_is_let_through(servers: Servers, empty_redis: None) -> None:
    async def scenario() -> tuple[int, list[int], int]:
        link = RedisLink(SecretStr(servers.redis_url), 1)
        limiter = Limiter(link)
        question = Question("w", (Window("minute", 10, 2),), False)
        passed = sum([(await limiter._ask_redis([question]))[0][0] for _ in range(10)])
        refused = list((await limiter._ask_redis([question]))[0])
        await asyncio.sleep(refused[2] / 1000 + 0.005)
        again = (await limiter._ask_redis([question]))[0][0]
        await limiter.close()
        return passed, refused, again

    passed, refused, again = apart(scenario())
    assert passed == 10 or refused[0] == 1, "a window that ended meanwhile refuses nobody"
    assert again == 1


@pytest.mark.requirement("E04")
def test_the_hundred_and_first_text_of_a_free_key_is_refused_until_there_is_room(
    servers: Servers, empty_redis: None
) -> None:
    """By the day: the minute's limit of five is out of the way here."""
    assert {tier.value: TIERS[tier].texts_per_day for tier in Tier} == {
        "free": 100,
        "starter": 500,
        "pro": 2000,
        "business": None,
    }

    async def ask() -> list[int]:
        limiter = Limiter(RedisLink(SecretStr(servers.redis_url), 1))
        day = [window for window in _windows(TIERS[Tier.FREE], generation=True) if window.scope == "day"]
        assert day == [Window("day", 100, 86_400)]
        question = Question("key:free", tuple(day), True)
        answers = [(await limiter._ask_redis([question]))[0][0] for _ in range(101)]
        await limiter.close()
        return answers

    assert apart(ask()) == [1] * 100 + [0]


@pytest.mark.requirement("A10")
def test_addresses_count_by_site_and_keys_by_themselves() -> None:
    hour, minute = Window("hour", 1, 3600), Window("minute", 1, 60)
    assert Question(f"{ADDRESS}2001:db8:1:2::/64", (minute, hour), False).keys == [
        "limit:minute:address:2001:db8:1:2::/64",
        "limit:hour:address:2001:db8:1::/48",
    ]
    assert Question(f"{ADDRESS}192.0.2.7", (hour,), False).keys == ["limit:hour:address:192.0.2.7"]
    assert Question("key:abc", (hour,), False).keys == ["limit:hour:key:abc"]
