"""Imports go one way: the contracts in pyproject.toml hold."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

PACKAGES = {"infra", "stacks", "components", "policies", "app", "ops", "localcloud"}


def test_every_package_has_a_contract_and_every_contract_is_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    held = ("source_modules", "protected_modules")
    named = {module.partition(".")[0] for contract in contracts for key in held for module in contract.get(key, ())}
    assert named == PACKAGES - {"ops"}, "ops is held by what may import it and what protects itself from it"
    assert [contract["name"] for contract in contracts if "ignore_imports" in contract] == []
    monkeypatch.chdir(root)
    assert lint_imports(config_filename="pyproject.toml", no_cache=True, no_logo=True) == EXIT_STATUS_SUCCESS


WITHOUT_PULUMI = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0].startswith("pulumi"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
names = ["stacks.plan", "stacks.validation", "stacks.policy_config"]
for room in ("stacks.specs", "stacks.products"):
    names += [found.name for found in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}.")]
for name in names:
    importlib.import_module(name)
from ops.stack_files import planned
from pathlib import Path
print(len(names), planned(Path("."), "prod").quota.pods)
"""


def test_specs_products_and_plans_load_and_plan_with_pulumi_blocked(root: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_PULUMI]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    modules, pods = (int(part) for part in done.stdout.split())
    assert modules > 20
    assert pods > 30
