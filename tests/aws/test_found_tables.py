"""Tables of a folder are found by file, and a file that forgets its table is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.aws.discovery import found


def test_entries_of_every_file_are_found_in_the_order_of_the_files(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "found_tables").mkdir()
    for name, text in {"__init__": "", "second": "TABLE = (3,)", "first": "TABLE = (1, 2)"}.items():
        (tmp_path / "found_tables" / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert list(found("found_tables", [str(tmp_path / "found_tables")], "TABLE", int)) == [1, 2, 3]


@pytest.mark.parametrize("text", ["", "TABLE = ()", "TABLE = [1]", "TABLE = (1, 'a')"])
def test_a_file_whose_table_is_missing_empty_or_of_another_kind_is_refused(
    tmp_path: Path, monkeypatch, text: str, request: pytest.FixtureRequest
) -> None:
    package = f"half_tables_{request.node.callspec.indices['text']}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("")
    (tmp_path / package / "half.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(TypeError, match=rf"{package}\.half: TABLE is .* give a tuple of int, one or more"):
        list(found(package, [str(tmp_path / package)], "TABLE", int))
