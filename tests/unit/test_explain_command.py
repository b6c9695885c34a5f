"""Resource that ``contentgen explain`` means: a URN, or a name that one resource alone has."""

from __future__ import annotations

import pytest

from ops.explaining import ExplainError, _meant

URNS = ["urn:pulumi:a::b::aws:kms/key:Key::data", "urn:pulumi:a::b::aws:rds/instance:Instance::data", "urn:a::c::api"]


@pytest.mark.parametrize(("wanted", "meant"), [(URNS[0], URNS[0]), ("api", URNS[2])])
def test_a_urn_or_a_name_that_is_unique_is_enough(wanted: str, meant: str) -> None:
    assert _meant(wanted, URNS, "prod") == meant


def test_a_name_of_two_resources_asks_for_the_urn_and_shows_both() -> None:
    with pytest.raises(
        ExplainError, match=r"data is the name of 2 resources of prod; give the URN: urn:.*Key::data, urn"
    ):
        _meant("data", URNS, "prod")


def test_a_name_that_is_not_there_shows_what_is_close() -> None:
    with pytest.raises(ExplainError, match=r"ap is no resource of prod; there are api; fix: pulumi stack --show-urns"):
        _meant("ap", URNS, "prod")
