"""Imports go one way: the contracts in pyproject.toml hold."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

PACKAGES = {"infra", "stacks", "components", "policies", "app", "ops", "localcloud"}


def test_every_package_has_a_contract_and_every_contract_is_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {package for contract in contracts for package in contract["source_modules"]} == PACKAGES
    monkeypatch.chdir(root)
    assert lint_imports(config_filename="pyproject.toml", no_cache=True, no_logo=True) == EXIT_STATUS_SUCCESS
