"""Rules are found by their files: nothing has to be registered, and a file that forgets something is refused."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from policies.pack import AREAS, ORDER, found_in
from policies.rules import cost

Package = Callable[..., ModuleType]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """A package of rules with the given modules."""
    folder = tmp_path / "found_rules"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(**modules: str) -> ModuleType:
        (folder / "__init__.py").write_text("")
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module("found_rules")

    yield made
    for name in [one for one in sys.modules if one.partition(".")[0] == "found_rules"]:
        del sys.modules[name]


OF_COST = "from policies.rules.cost import RULES\n"


def test_rules_of_a_new_file_are_found_in_their_area_after_the_known_ones(package: Package) -> None:
    areas = found_in(package(queues=f'AREA = "Queues"\n{OF_COST}', access=f'AREA = "Access"\n{OF_COST}'))
    assert list(areas) == ["Access", "Queues"]
    assert areas["Queues"] == cost.RULES


def test_two_files_of_one_area_stand_together(package: Package) -> None:
    areas = found_in(package(one=f'AREA = "Cost"\n{OF_COST}', two=f'AREA = "Cost"\n{OF_COST}'))
    assert areas == {"Cost": (*cost.RULES, *cost.RULES)}


@pytest.mark.parametrize("text", [OF_COST, 'AREA = "Cost"\n', 'AREA = "Cost"\nRULES = ()\n', f"AREA = 1\n{OF_COST}"])
def test_a_file_without_its_area_or_its_rules_is_refused_by_name(package: Package, text: str) -> None:
    with pytest.raises(TypeError, match=r"found_rules\.half: AREA is .* give a text and a tuple of rules"):
        found_in(package(half=text))


def test_every_area_of_the_pack_has_its_place_on_the_pages() -> None:
    assert list(AREAS) == [*ORDER, "Coverage"]
