"""The pack configured for production, as a stack's generated file configures it."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.policy_config import policy_config
from infra.stackfile import read
from tests.policies.analyzer import Analyzer


@pytest.fixture(scope="session")
def analyzer(root: Path) -> Analyzer:
    """Every rule mandatory, with the product's limits and headers."""
    return Analyzer(policy_config(read(root, "prod")))
