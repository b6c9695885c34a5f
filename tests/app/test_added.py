"""Products that no list names, as the image's commands know them; one that runs is in tests/products."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Fleet, run_app

from app import added
from app.products import Product, names


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in the place of app/."""
    monkeypatch.setattr(added, "HERE", tmp_path)
    added.added.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    added.added.cache_clear()


def test_a_package_with_a_module_product_is_a_product_by_its_name(beside: Path) -> None:
    for name in ("customer_portal", "a_library", "basket"):
        (beside / name).mkdir()
    for name in ("customer_portal", "basket"):
        (beside / name / "product.py").write_text("")
    assert added.added() == ("basket", "customer-portal")
    assert names() == (*Product, "basket", "customer-portal")


def test_an_unknown_product_is_refused_with_those_that_there_are(fleet: Fleet) -> None:
    done = run_app(fleet, "migrate", "--product", "nothing", COLUMNS="300")
    assert done.returncode == 2
    assert "'nothing' is no product; products are content-generation, workflow-dashboard" in done.stderr


def test_a_product_with_a_role_of_its_own_is_not_served_as_an_added_one(fleet: Fleet) -> None:
    done = run_app(fleet, "serve", "--role", "added", PRODUCT="blog-ai")
    assert done.returncode == 2
    assert "configuration: --product: 'blog-ai' is no added product; those are" in done.stderr
