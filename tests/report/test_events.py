"""Previews as the engine writes them, and as they should not be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops.report.events import Operation, ReportError, parse
from tests.report.events import failed, lines, said, step
from tests.report.stack import DATABASE, EVERYTHING, LARGE, SMALL


def test_a_replacement_of_three_steps_is_one_change_with_both_sides() -> None:
    (change,) = parse("prod", lines(EVERYTHING)).of(Operation.REPLACE)
    assert (change.before["engineVersion"], change.after["engineVersion"]) == ("16", "17")
    assert change.differing == {"instanceClass": "update", "engineVersion": "update-replace"}


def test_the_order_of_events_does_not_matter() -> None:
    assert parse("prod", lines(EVERYTHING)) == parse("prod", lines(EVERYTHING[:3] + EVERYTHING[:2:-1]))


def test_a_finding_that_is_told_twice_counts_once() -> None:
    assert len(parse("prod", lines([said("a", "b"), said("a", "b")])).findings) == 1


def test_diffs_without_detail_are_taken_with_the_keys_that_replace() -> None:
    event = step("replace", DATABASE, "primary", SMALL, LARGE)
    metadata = event["resourcePreEvent"]["metadata"]  # type: ignore[index]
    metadata |= {"diffs": ["engineVersion", "tags"], "keys": ["engineVersion"]}
    (change,) = parse("prod", lines([event])).changes
    assert change.differing == {"engineVersion": "update-replace", "tags": "update"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ([], "prod: the preview is empty"),
        (["", "\n"], "prod: the preview is empty"),
        (lines(EVERYTHING, result=None), "prod: the preview is cut off after"),
        ([*lines(EVERYTHING)[:3], '{"sequence": 9, "resourcePre'], "prod: line 4 of the preview is no JSON"),
        (['{"config": {}, "steps": []}'], "prod: line 1 is no event of the engine"),
        (["[]"], "prod: line 1 is no event of the engine"),
        (['{"sequence": 1, "resource-pre": {}}'], "the events of this engine have other names"),
    ],
)
def test_a_preview_that_cannot_be_read_is_named_with_what_is_wrong_and_the_fix(text: list[str], told: str) -> None:
    with pytest.raises(ReportError) as caught:
        parse("prod", text)
    assert told in str(caught.value)


def test_fifty_megabytes_are_read_a_line_at_a_time() -> None:
    """Nothing but what the report needs is kept: the padding of each event is dropped as it goes by."""
    held = 0

    def stream() -> Iterator[str]:
        nonlocal held
        padding = {"padding": "x" * 90_000}
        for line in lines([step("same", DATABASE, f"d{index}", {}, {}) | padding for index in range(6)])[:-1]:
            for _ in range(100):
                held += len(line)
                yield line
        yield lines([])[-1]

    assert len(parse("prod", stream()).changes) == 6
    assert held > 50_000_000


def farewell(plugin: str) -> dict[str, object]:
    words = f"Detected that /home/me/.pulumi/plugins/{plugin} exited prematurely. \n       This is *always* a bug"
    return failed(words)


def test_a_plugin_that_says_goodbye_too_slowly_takes_nothing_from_what_was_computed() -> None:
    events = [step("same", "aws:s3/bucket:Bucket", "backup", {}, {}), farewell("aws"), farewell("random")]
    found = parse("local", lines(events))
    assert found.succeeded
    assert found.errors == ()


def test_a_plugin_that_ended_in_a_preview_that_failed_is_told() -> None:
    found = parse("local", lines([failed("error reading from server: EOF"), farewell("aws")], "failed"))
    assert not found.succeeded
    assert found.errors[0] == "error reading from server: EOF"
    assert "plugins/aws exited prematurely" in found.errors[1]
