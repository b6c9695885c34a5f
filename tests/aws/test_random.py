"""The random stand-in: what it makes, that it stays secret, and that it stays the same."""

from __future__ import annotations

import base64

import grpc
import pytest

from localcloud.provider.values import UNKNOWN, Properties, Secret, reveal
from tests.aws.driver import Driver, Made

PASSWORD = "random:index/randomPassword:RandomPassword"
STRING = "random:index/randomString:RandomString"
ID = "random:index/randomId:RandomId"
MINIMUMS: Properties = {
    "length": 12,
    "minLower": 3,
    "minUpper": 3,
    "minNumeric": 3,
    "minSpecial": 3,
    "overrideSpecial": "_-",
}


def result(made: Made) -> str:
    return str(reveal(made.state["result"]))


def test_a_password_is_a_secret_from_its_making(random_driver: Driver) -> None:
    made = random_driver.create(PASSWORD, "password", {"length": 32})
    assert isinstance(made.state["result"], Secret)
    assert len(result(made)) == 32
    assert result(made) not in made.id


def test_a_value_is_unknown_at_preview_and_another_for_each_resource(random_driver: Driver) -> None:
    assert reveal(random_driver.preview(PASSWORD, "password", {"length": 32})["result"]) == UNKNOWN
    texts = {result(random_driver.create(PASSWORD, f"password{number}", {"length": 32})) for number in range(20)}
    assert len(texts) == 20


def test_the_minimums_of_every_class_are_met(random_driver: Driver) -> None:
    for number in range(50):
        text = result(random_driver.create(PASSWORD, f"strict{number}", MINIMUMS))
        counts = (
            sum(one.islower() for one in text),
            sum(one.isupper() for one in text),
            sum(one.isdigit() for one in text),
            sum(one in "_-" for one in text),
        )
        assert counts == (3, 3, 3, 3)


def test_a_class_that_is_switched_off_does_not_appear(random_driver: Driver) -> None:
    text = result(random_driver.create(STRING, "plain", {"length": 200, "special": False, "upper": False}))
    assert text.isalnum()
    assert text == text.lower()


@pytest.mark.parametrize(
    ("inputs", "property_"),
    [
        ({"length": 3, "minLower": 4}, "length"),
        ({"length": 0}, "length"),
        ({"length": 8, "lower": False, "upper": False, "numeric": False, "special": False}, "special"),
    ],
)
def test_a_text_that_cannot_exist_is_refused(random_driver: Driver, inputs: Properties, property_: str) -> None:
    assert property_ in random_driver.check(PASSWORD, "impossible", inputs).failures


def test_a_refresh_keeps_the_value_and_a_new_keeper_replaces_it(random_driver: Driver) -> None:
    inputs: Properties = {"length": 16, "keepers": {"rotation": "1"}}
    made = random_driver.create(PASSWORD, "kept", inputs)
    refreshed = random_driver.refresh(made)
    assert refreshed is not None
    assert refreshed.state == made.state
    assert list(random_driver.diff(refreshed, inputs).replaces) == []
    assert list(random_driver.diff(refreshed, {**inputs, "keepers": {"rotation": "2"}}).replaces) == ["keepers"]


def test_an_id_is_the_same_bytes_in_every_spelling(random_driver: Driver) -> None:
    made = random_driver.create(ID, "id", {"byteLength": 8, "prefix": "run-"})
    raw = bytes.fromhex(made.text("hex").removeprefix("run-"))
    assert len(raw) == 8
    assert made.text("dec") == f"run-{int.from_bytes(raw, 'big')}"
    assert base64.b64decode(made.text("b64Std").removeprefix("run-")) == raw
    assert base64.urlsafe_b64decode(made.id + "=") == raw


def test_a_value_cannot_be_imported_and_an_unknown_type_is_refused(random_driver: Driver) -> None:
    with pytest.raises(grpc.RpcError) as imported:
        random_driver.adopt(PASSWORD, "imported", "none")
    assert "cannot be imported" in imported.value.details()
    with pytest.raises(grpc.RpcError) as unknown:
        random_driver.create("random:index/randomUuid:RandomUuid", "uuid", {})
    assert "random:index/randomUuid:RandomUuid" in unknown.value.details()


def test_deleting_a_value_is_no_error(random_driver: Driver) -> None:
    made = random_driver.create(STRING, "gone", {"length": 8})
    random_driver.delete(made)
    assert random_driver.refresh(made) is not None, "only the engine's state holds the value"
