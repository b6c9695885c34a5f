"""Renewing passwords: which ones when, and how the stack file says where a rotation stands (X02)."""

from __future__ import annotations

import pytest
import yaml

from components.application_keys import SLOTS, believed
from components.logins import Rotation
from infra.settings.stores import SecretSettings
from ops.rotation import Step, advanced, remaining, with_secrets

FILE = """# yaml-language-server: $schema=docs/stack.schema.json
config:
  contentgen:environment: dev
  # whose it is
  contentgen:owner: us
"""


def keepers(generation: int, retired: int) -> dict[str, str]:
    rotation = Rotation(generation, retired)
    return {slot: rotation.keeper(slot) for slot in ("a", "b")}


@pytest.mark.requirement("X02")
def test_beginning_renews_the_other_slot_and_leaves_the_one_in_use() -> None:
    for generation in range(1, 6):
        before, after = keepers(generation, generation - 1), keepers(generation + 1, generation)
        used = Rotation(generation).active
        assert after[used] == before[used]
        assert Rotation(generation + 1).active != used
        assert after[Rotation(generation + 1).active] != before[Rotation(generation + 1).active]


@pytest.mark.requirement("X02")
def test_finishing_renews_what_was_in_use_before_and_nothing_else() -> None:
    for generation in range(2, 6):
        begun, finished = keepers(generation, generation - 1), keepers(generation, generation)
        active = Rotation(generation).active
        assert finished[active] == begun[active]
        (other,) = {"a", "b"} - {active}
        assert finished[other] != begun[other]
        # The next rotation makes the retired slot new once more.
        assert keepers(generation + 1, generation)[other] not in (finished[other], begun[other])


@pytest.mark.requirement("X02")
def test_a_key_is_known_everywhere_before_it_is_used_and_for_a_whole_rotation_after() -> None:
    assert believed(Rotation()) == {"": 1, "_before": 0, "_next": 2}
    for generation in range(1, 6):
        settled = believed(Rotation(generation, generation))
        begun = believed(Rotation(generation + 1, generation))
        finished = believed(Rotation(generation + 1, generation + 1))
        assert set(begun.values()) == set(settled.values()), "beginning makes no value"
        assert begun[""] == settled["_next"], "and uses what everybody knew"
        assert (begun["_before"], finished["_before"]) == (generation, generation), "what was signed before stays good"
        assert set(settled.values()) - set(finished.values()) == {generation - 1}, "finishing ends the oldest alone"
        assert len({value % len(SLOTS) for value in finished.values()}) == len(SLOTS)


def test_a_rotation_that_was_cut_off_is_finished_before_another_begins() -> None:
    assert remaining(SecretSettings()) == (Step.BEGIN, Step.FINISH)
    begun = advanced(SecretSettings(), Step.BEGIN)
    assert (begun.generation, begun.retired) == (2, 0)
    assert remaining(begun) == (Step.FINISH,)
    finished = advanced(begun, Step.FINISH)
    assert (finished.generation, finished.retired) == (2, 2)
    assert remaining(finished) == (Step.BEGIN, Step.FINISH)


@pytest.mark.parametrize(
    "given",
    [
        FILE,
        FILE.replace("  # whose", "  contentgen:secrets: {generation: 1, retired: 0}\n  # whose"),
        FILE.replace("  # whose", "  contentgen:secrets:\n    generation: 1\n    retired: 0\n  # whose"),
        FILE.rstrip("\n"),
    ],
)
def test_the_stack_file_keeps_its_other_lines_and_comments(given: str) -> None:
    changed = with_secrets(given, SecretSettings(generation=3, retired=2))
    assert yaml.safe_load(changed)["config"]["contentgen:secrets"] == {"generation": 3, "retired": 2}
    assert [line for line in changed.splitlines() if "secrets" not in line] == FILE.splitlines()
