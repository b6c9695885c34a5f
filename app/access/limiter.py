"""Counting requests over sliding windows in Redis, or in the process while Redis is down (same limits, per process).

The counters are those of the library `limits` (two neighbouring windows, weighted), but a request belongs to up to
four windows and the library asks Redis twice for each; here one script counts them all, for a batch of requests.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis

from app.access.tiers import Allowance
from app.batch import Batcher, OverloadedError
from app.redis_link import RedisDown, RedisLink

LARGEST_BATCH = 100

# KEYS: one a window. ARGV: "limit length" of all windows, in milliseconds, in one string; the answer is one string too,
# because each value by itself costs both sides more than the counting. The time is Redis' own, so that all processes
# count by one clock. Answers for each window: did it let the request pass, what is left, milliseconds until it ends.
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
  answers[#answers + 1] = string.format('%d %d %d', passes and 1 or 0, math.max(0, limit - used), length - elapsed)
end
return table.concat(answers, ' ')
"""


@dataclass(frozen=True)
class Verdict:
    """Whether a request may pass, and what the client should know about the window that decides."""

    allowed: bool
    scope: str
    limit: int
    remaining: int
    reset_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """X-RateLimit-*, and Retry-After for a refusal."""
        shown = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_seconds),
        }
        return shown if self.allowed else {**shown, "Retry-After": str(max(1, self.reset_seconds))}


@dataclass(frozen=True)
class _Window:
    scope: str
    limit: int
    seconds: int


@dataclass(frozen=True)
class _Question:
    who: str
    windows: tuple[_Window, ...]
    generation: bool


class Limiter:
    """Limits by who asks. A request counts in each of its windows that has room, also when another one refuses it."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._batcher: Batcher[_Question, Sequence[int]] = Batcher(self._ask_redis, LARGEST_BATCH)
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._script: str | None = None

    async def close(self) -> None:
        """Give the connections back."""
        await self._link.close()

    async def request(self, who: str, allowance: Allowance, *, generation: bool) -> Verdict:
        """Count one request; the verdict is the refusing window's, else the narrowest one's."""
        question = _Question(who, _windows(allowance, generation=generation), generation)
        try:
            answer = await self._batcher.ask(question)
        except (RedisDown, OverloadedError):
            answer = await self._ask_process(question)
        return _verdict(question, answer)

    async def _ask_redis(self, questions: Sequence[_Question]) -> Sequence[Sequence[int]]:
        async def count(client: Redis) -> Sequence[Sequence[int]]:
            script = self._script or str(await client.script_load(_SCRIPT))
            windows = [(question.who, window) for question in questions for window in question.windows]
            keys = [f"limit:{window.scope}:{who}" for who, window in windows]
            limits = " ".join(f"{window.limit} {window.seconds * 1000}" for _, window in windows)
            answer: str = await client.evalsha(script, len(keys), *keys, limits)  # type: ignore[misc]
            self._script = script
            return _shared_out([int(figure) for figure in answer.split()], questions)

        try:
            return await self._link.ask(count)
        except RedisDown:
            # A restarted Redis has forgotten the script; the next batch loads it again.
            self._script = None
            raise

    async def _ask_process(self, question: _Question) -> Sequence[int]:
        answer: list[int] = []
        for window in question.windows:
            item = RateLimitItemPerSecond(window.limit, window.seconds)
            passes = await self._local.hit(item, window.scope, question.who)
            left = await self._local.get_window_stats(item, window.scope, question.who)
            answer += [int(passes), left.remaining, max(0, int((left.reset_time - time.time()) * 1000))]
        return answer


def _shared_out(flat: list[int], questions: Sequence[_Question]) -> list[list[int]]:
    """Each question's part of the script's one list, three figures a window."""
    answers: list[list[int]] = []
    place = 0
    for question in questions:
        length = 3 * len(question.windows)
        answers.append(flat[place : place + length])
        place += length
    return answers


@lru_cache(100)
def _windows(allowance: Allowance, *, generation: bool) -> tuple[_Window, ...]:
    hour = allowance.per_hour
    windows = [_Window("minute", allowance.per_minute, 60), *([_Window("hour", hour, 3600)] if hour else [])]
    if generation:
        windows.append(_Window("generate", allowance.generate_per_minute, 60))
        if allowance.texts_per_day is not None:
            windows.append(_Window("day", allowance.texts_per_day, 86_400))
    return tuple(windows)


def _verdict(question: _Question, answer: Sequence[int]) -> Verdict:
    places = range(len(question.windows))
    refusing = [place for place in places if not answer[3 * place]]
    narrow = "generate" if question.generation else "minute"
    shown = refusing[0] if refusing else next(p for p in places if question.windows[p].scope == narrow)
    window = question.windows[shown]
    reset = math.ceil(answer[3 * shown + 2] / 1000)
    return Verdict(not refusing, window.scope, window.limit, answer[3 * shown + 1] if not refusing else 0, reset)
