"""Counting requests over sliding windows in Redis, or in the process while Redis is down (same limits, per process).

A request belongs to up to four windows; one script counts them all, for a batch of requests. A kept library asks Redis
twice for each window, which costs more than everything else in a request (docs/decisions/rate-limits.md).
"""

import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from redis.asyncio import Redis

from app.access.tiers import Allowance
from app.access.windows import Count, take
from app.addresses import network_of
from app.batch import Batcher, OverloadedError
from app.limits import IPV6_HOUR_PREFIX
from app.redis_link import RedisDown, RedisLink

LARGEST_BATCH: Final = 100
LOCAL_COUNTS: Final = 20_000
"""Counters that a process keeps while Redis is away; beyond that the oldest are forgotten."""
ADDRESS: Final = "address:"

# KEYS: one a window. ARGV: "limit length" of all windows, in milliseconds, in one string; the answer is one string too,
# because each value by itself costs both sides more than the counting. The time is Redis' own, so that all processes
# count by one clock. Answers for each window: did it let the request pass, what is left, milliseconds until one more
# fits (app.access.windows).
_SCRIPT = """
local clock, answers, figures = redis.call('time'), {}, string.gmatch(ARGV[1], '%d+')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
for _, key in ipairs(KEYS) do
  local limit, length = tonumber(figures()), tonumber(figures())
  local window = math.floor(now / length)
  local stored = redis.call('hmget', key, 'window', 'count', 'before')
  local at, count, before = tonumber(stored[1] or window), tonumber(stored[2] or 0), tonumber(stored[3] or 0)
  if at == window - 1 then before, count = count, 0 elseif at ~= window then before, count = 0, 0 end
  local elapsed = now - window * length
  local used = math.ceil(before * (length - elapsed) / length) + count
  local passes = used < limit
  if passes then
    count, used = count + 1, used + 1
    redis.call('hset', key, 'window', window, 'count', count, 'before', before)
    redis.call('pexpire', key, 2 * length)
  end
  local room, wait = limit - 1 - count, 0
  if room < 0 then
    wait = 2 * length - elapsed - math.floor((limit - 1) * length / count)
  elseif before > room then
    wait = math.max(0, length - math.floor(room * length / before) - elapsed)
  end
  answers[#answers + 1] = string.format('%d %d %d', passes and 1 or 0, math.max(0, limit - used), wait)
end
return table.concat(answers, ' ')
"""
_GIVE_BACK = """
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('hget', key, 'count') or 0) > 0 then redis.call('hincrby', key, 'count', -1) end
end
"""


@dataclass(frozen=True)
class Window:
    """A limit over a time: so many requests in so many seconds."""

    scope: str
    limit: int
    seconds: int


@dataclass(frozen=True)
class Question:
    """One request to be counted: whose it is, and in which windows."""

    who: str
    windows: tuple[Window, ...]
    generation: bool

    @property
    def keys(self) -> list[str]:
        """The counters in Redis, one a window."""
        return [f"limit:{window.scope}:{_counted_as(self.who, window)}" for window in self.windows]


@dataclass(frozen=True)
class Verdict:
    """Decision on a request, with the figures of the window that decides."""

    question: Question
    allowed: bool
    window: Window
    remaining: int
    wait_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """X-RateLimit-* (E05), the IETF's RateLimit fields beside them, and Retry-After for a refusal."""
        policies = (f'"{one.scope}";q={one.limit};w={one.seconds}' for one in self.question.windows)
        shown = {
            "X-RateLimit-Limit": str(self.window.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.wait_seconds),
            "RateLimit-Policy": ", ".join(policies),
            "RateLimit": f'"{self.window.scope}";r={self.remaining};t={self.wait_seconds}',
        }
        return shown if self.allowed else {**shown, "Retry-After": str(max(1, self.wait_seconds))}


class Limiter:
    """Limits by who asks. A request counts in each of its windows that has room, also when another one refuses it."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._batcher: Batcher[Question, Sequence[int]] = Batcher(self._ask_redis, LARGEST_BATCH)
        self._local: OrderedDict[str, Count] = OrderedDict()
        self._script: str | None = None

    async def close(self) -> None:
        """Give the connections back."""
        await self._link.close()

    async def request(self, who: str, allowance: Allowance, *, generation: bool) -> Verdict:
        """Count one request; the verdict is the refusing window's, else the narrowest one's."""
        question = Question(who, _windows(allowance, generation=generation), generation)
        try:
            answer = await self._batcher.ask(question)
        except (RedisDown, OverloadedError):
            answer = self._ask_process(question)
        return _verdict(question, answer)

    async def give_back(self, question: Question) -> None:
        """Uncount a generation that was none: an answer that was given before. Without Redis it stays counted."""
        paid = [key for key, window in zip(question.keys, question.windows, strict=True) if window.scope in PAID]
        if paid:
            try:
                await self._link.ask(lambda client: client.eval(_GIVE_BACK, len(paid), *paid))  # type: ignore[misc]
            except RedisDown:
                return

    async def _ask_redis(self, questions: Sequence[Question]) -> Sequence[Sequence[int]]:
        async def count(client: Redis) -> Sequence[Sequence[int]]:
            script = self._script or str(await client.script_load(_SCRIPT))
            keys = [key for question in questions for key in question.keys]
            windows = [window for question in questions for window in question.windows]
            limits = " ".join(f"{window.limit} {window.seconds * 1000}" for window in windows)
            answer: str = await client.evalsha(script, len(keys), *keys, limits)  # type: ignore[misc]
            self._script = script
            return _shared_out([int(figure) for figure in answer.split()], questions)

        try:
            return await self._link.ask(count)
        except RedisDown:
            # A restarted Redis has forgotten the script; the next batch loads it again.
            self._script = None
            raise

    def _ask_process(self, question: Question) -> Sequence[int]:
        answer: list[int] = []
        for key, window in zip(question.keys, question.windows, strict=True):
            length = window.seconds * 1000
            count, passes, left, wait = take(self._local.get(key), window.limit, length, int(time.time() * 1000))
            self._local[key] = count
            self._local.move_to_end(key)
            answer += [int(passes), left, wait]
        while len(self._local) > LOCAL_COUNTS:
            self._local.popitem(last=False)
        return answer


PAID: Final = ("generate", "day")


def _counted_as(who: str, window: Window) -> str:
    """Key that a caller is counted under; by the hour an address counts with more of its neighbours."""
    if window.scope != "hour" or not who.startswith(ADDRESS):
        return who
    return ADDRESS + network_of(who.removeprefix(ADDRESS).partition("/")[0], IPV6_HOUR_PREFIX)


def _shared_out(flat: list[int], questions: Sequence[Question]) -> list[list[int]]:
    """Each question's part of the script's one list, three figures a window."""
    answers: list[list[int]] = []
    place = 0
    for question in questions:
        length = 3 * len(question.windows)
        answers.append(flat[place : place + length])
        place += length
    return answers


@lru_cache(100)
def _windows(allowance: Allowance, *, generation: bool) -> tuple[Window, ...]:
    hour = allowance.per_hour
    windows = [Window("minute", allowance.per_minute, 60), *([Window("hour", hour, 3600)] if hour else [])]
    if generation:
        windows.append(Window("generate", allowance.generate_per_minute, 60))
        if allowance.texts_per_day is not None:
            windows.append(Window("day", allowance.texts_per_day, 86_400))
    return tuple(windows)


def _verdict(question: Question, answer: Sequence[int]) -> Verdict:
    places = range(len(question.windows))
    refusing = [place for place in places if not answer[3 * place]]
    narrow = "generate" if question.generation else "minute"
    decisive = max(refusing, key=lambda place: answer[3 * place + 2]) if refusing else None
    shown = next(p for p in places if question.windows[p].scope == narrow) if decisive is None else decisive
    left = answer[3 * shown + 1] if decisive is None else 0
    return Verdict(question, decisive is None, question.windows[shown], left, math.ceil(answer[3 * shown + 2] / 1000))
