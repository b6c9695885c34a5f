"""Many small things at once: who waits for whom."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from app.batch import LONGEST_WAIT_SECONDS, MOST_WAITING, Batcher, OverloadedError


class Slow:
    """Answers a batch when it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self._gates: list[asyncio.Event] = []

    async def __call__(self, batch: Sequence[int]) -> list[int]:
        gate = asyncio.Event()
        self.batches.append(list(batch))
        self._gates.append(gate)
        await gate.wait()
        if 13 in batch:
            raise ValueError("unlucky")
        return [2 * one for one in batch]

    async def begun(self, count: int) -> None:
        while len(self.batches) < count:
            await asyncio.sleep(0)

    def finish(self, number: int) -> None:
        self._gates[number].set()


def test_what_arrives_during_a_batch_shares_the_next_one() -> None:
    async def scenario() -> None:
        slow = Slow()
        batcher = Batcher(slow, largest=3)
        first = asyncio.create_task(batcher.ask(1))
        await slow.begun(1)
        later = [asyncio.create_task(batcher.ask(number)) for number in (2, 3, 4, 5)]
        slow.finish(0)
        await slow.begun(2)
        slow.finish(1)
        await slow.begun(3)
        slow.finish(2)
        assert [await first, *[await one for one in later]] == [2, 4, 6, 8, 10]
        assert slow.batches == [[1], [2, 3, 4], [5]]

    asyncio.run(scenario())


def test_two_at_once_are_under_way_together_and_a_third_waits() -> None:
    async def scenario() -> None:
        slow = Slow()
        batcher = Batcher(slow, largest=10, at_once=2)
        asked = [asyncio.create_task(batcher.ask(1))]
        await slow.begun(1)
        asked.append(asyncio.create_task(batcher.ask(2)))
        await slow.begun(2)
        asked += [asyncio.create_task(batcher.ask(number)) for number in (3, 4)]
        await asyncio.sleep(0)
        assert slow.batches == [[1], [2]]
        slow.finish(1)
        await slow.begun(3)
        slow.finish(2)
        slow.finish(0)
        assert await asyncio.gather(*asked) == [2, 4, 6, 8]
        assert slow.batches == [[1], [2], [3, 4]]

    asyncio.run(scenario())


def test_two_that_gather_at_once_hand_over_what_came_once_and_never_nothing() -> None:
    async def scenario() -> None:
        batches: list[list[int]] = []

        async def double(batch: Sequence[int]) -> list[int]:
            batches.append(list(batch))
            return [2 * one for one in batch]

        batcher = Batcher(double, largest=10, window=0.01, at_once=2)
        assert await asyncio.gather(batcher.ask(1), batcher.ask(2)) == [2, 4]
        await batcher.close()
        assert batches == [[1, 2]]

    asyncio.run(scenario())


def test_a_batch_that_fails_fails_alone() -> None:
    async def scenario() -> None:
        slow = Slow()
        batcher = Batcher(slow, largest=10)
        unlucky = asyncio.create_task(batcher.ask(13))
        await slow.begun(1)
        other = asyncio.create_task(batcher.ask(1))
        slow.finish(0)
        with pytest.raises(ValueError, match="unlucky"):
            await unlucky
        await slow.begun(2)
        slow.finish(1)
        assert await other == 2

    asyncio.run(scenario())


def test_who_comes_at_the_very_end_of_a_batch_is_not_forgotten() -> None:
    async def scenario() -> None:
        async def double(batch: Sequence[int]) -> list[int]:
            return [2 * one for one in batch]

        batcher = Batcher(double, largest=10, at_once=2)

        async def again(number: int) -> list[int]:
            return [await batcher.ask(number), await batcher.ask(number + 1), await batcher.ask(number + 2)]

        async with asyncio.timeout(5):
            for number in range(200):
                assert await again(number) == [2 * number, 2 * number + 2, 2 * number + 4]

    asyncio.run(scenario())


def test_no_more_wait_than_may_and_who_is_refused_is_never_handed_over() -> None:
    async def scenario() -> None:
        slow = Slow()
        batcher = Batcher(slow, largest=10, most=2)
        asked = [asyncio.create_task(batcher.ask(1))]
        await slow.begun(1)
        asked += [asyncio.create_task(batcher.ask(number)) for number in (2, 3)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError, match="2 items wait"):
            await batcher.ask(4)
        slow.finish(0)
        await slow.begun(2)
        slow.finish(1)
        assert await asyncio.gather(*asked) == [2, 4, 6] and slow.batches == [[1], [2, 3]]
        assert (MOST_WAITING, LONGEST_WAIT_SECONDS) == (2000, 15)

    asyncio.run(scenario())


def test_who_left_or_waited_too_long_is_never_handed_over_and_who_was_handed_over_is_waited_for() -> None:
    async def scenario() -> None:
        slow = Slow()
        batcher = Batcher(slow, largest=10, patience=0.05)
        first = asyncio.create_task(batcher.ask(1))
        await slow.begun(1)
        leaving, late = asyncio.create_task(batcher.ask(2)), asyncio.create_task(batcher.ask(3))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(OverloadedError, match="no batch within"):
            await late
        slow.finish(0)
        assert await first == 2, "under way for longer than it might have waited"
        last = asyncio.create_task(batcher.ask(4))
        await slow.begun(2)
        slow.finish(1)
        assert await last == 8 and slow.batches == [[1], [4]]

    asyncio.run(scenario())


@pytest.mark.parametrize("turns", range(12))
def test_batches_are_full_however_their_items_are_spread_in_time(turns: int) -> None:
    handled: list[int] = []

    async def counted(items: Sequence[int]) -> Sequence[int]:
        handled.append(len(items))
        return items

    async def scenario() -> None:
        batcher = Batcher(counted, largest=2, window=5, at_once=2)
        asked = []
        for item in range(6):
            asked.append(asyncio.create_task(batcher.ask(item)))
            for _ in range(turns):
                await asyncio.sleep(0)
        assert await asyncio.gather(*asked) == list(range(6))

    asyncio.run(scenario())
    assert handled == [2, 2, 2]
