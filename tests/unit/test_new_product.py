"""`contentgen new product`: names that cannot be used are refused with every reason, and then nothing is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.aws.types import NAME_LIMITS
from ops.console import Report
from ops.new_product import LONGEST_SHORT, NewProduct, NewProductError, make_product, problems

PLACES = {
    "Pulumi.customer-portal-local.yaml",
    "Pulumi.customer-portal-prod.yaml",
    "app/customer_portal",
    "stacks/products/customer_portal",
    "tests/products/customer_portal",
}


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Shop", "must be small letters, digits and single dashes"),
        ("my_shop", "must be small letters, digits and single dashes"),
        ("9shop", "must be small letters, digits and single dashes"),
        ("shop-", "must be small letters, digits and single dashes"),
        ("my--shop", "must be small letters, digits and single dashes"),
        ("../shop", "must be small letters, digits and single dashes"),
        ("", "must be small letters, digits and single dashes"),
        ("shop\n", "must be small letters, digits and single dashes"),
        ("class", "is a keyword of Python"),
        ("match", "is a keyword of Python"),
        ("kube-system", "is reserved"),
        ("default", "is reserved"),
        ("keda", "is reserved"),
        ("postgres", "is reserved"),
        ("prod", "must not end in prod"),
        ("shop-local", "must not end in local"),
        ("blog-ai", "is the name of blog-ai"),
        ("recipes", "is the short of recipe-app"),
        ("a" * 13, "names in AWS and Postgres allow 12; give a shorter word by --short"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_with_its_reason(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(NewProductError, match=reason):
        make_product(tmp_path, name, "", Report())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["shop", "a", "b2b", "customer-portal", "product", "devshop", "a" * 40])
def test_a_good_name_is_not_refused(name: str) -> None:
    assert list(problems(NewProduct(name, "portal"))) == []


def test_the_longest_short_word_fits_the_shortest_limit_of_aws() -> None:
    assert LONGEST_SHORT == 12
    cache = NAME_LIMITS["aws:elasticache/replicationGroup:ReplicationGroup"].longest
    assert len(f"{'a' * LONGEST_SHORT}-staging-apse1-queue") <= cache


def test_every_reason_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "class.py").write_text("")
    with pytest.raises(NewProductError) as raised:
        make_product(tmp_path, "class", "Blog", Report())
    assert str(raised.value).splitlines() == [
        "short 'Blog': must be small letters, digits and single dashes, from a letter to no dash",
        "name 'class': is a keyword of Python, and packages have the name; choose another",
        "app/class.py: is there already; choose another name",
    ]


@pytest.mark.parametrize("place", ["app/customer_portal", "tests/products/customer_portal", "app/customer_portal.py"])
def test_a_place_that_is_taken_is_left_as_it_is(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "kept").write_text("by hand")
    with pytest.raises(NewProductError, match=f"^{place}: is there already; choose another name$"):
        make_product(tmp_path, "customer-portal", "portal", Report())
    assert files(tmp_path) == {f"{place}/kept"}


def test_a_product_is_written_whole_with_its_own_words(tmp_path: Path) -> None:
    make_product(tmp_path, "customer-portal", "portal", Report())
    written = files(tmp_path)
    assert {place for place in PLACES for one in written if one.startswith(place)} == PLACES
    assert {one for one in written if not one.startswith(tuple(PLACES))} == set()
    for one in written:
        assert "TEMPLATE" not in f"{one} {(tmp_path / one).read_text()}", one
    blueprint = (tmp_path / "stacks/products/customer_portal/blueprint.py").read_text()
    for words in ('name="customer-portal"', 'short="portal"', 'database="customer_portal_db"'):
        assert words in blueprint
    assert "<title>Customer portal</title>" in (tmp_path / "app/customer_portal/page/index.html").read_text()


@pytest.mark.parametrize("name", ["a", "a" * 40, "zz-top"])
def test_whatever_the_name_the_linter_and_the_formatter_have_no_finding(root: Path, tmp_path: Path, name: str) -> None:
    make_product(tmp_path, name, "a", Report())
    shutil.copy(root / "pyproject.toml", tmp_path)
    for arguments in (("check", "."), ("format", "--check", ".")):
        command = [str(Path(sys.prefix) / "bin" / "ruff"), arguments[0], "--no-cache", *arguments[1:]]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_what_cannot_be_moved_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[Path] = []
    rename = Path.rename

    def full(path: Path, target: Path) -> Path:
        if "tests" in target.parts[len(tmp_path.parts) :]:
            raise OSError("no space left on device")
        moved.append(target)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(NewProductError, match="no space left on device; nothing was written"):
        make_product(tmp_path, "customer-portal", "portal", Report())
    assert len(moved) == 4
    assert files(tmp_path) == set()


def test_the_command_ends_with_2_for_a_name_that_cannot_be_used() -> None:
    command = [str(Path(sys.prefix) / "bin" / "contentgen"), "new", "product", "blog-ai"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})
    assert (done.returncode, done.stdout) == (2, "")
    assert "name 'blog-ai': is the name of blog-ai; choose another" in done.stderr
    assert "stacks/products/blog_ai: is there already; choose another name" in done.stderr
