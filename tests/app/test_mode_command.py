"""Maintenance and read-only mode, as an operator switches them in the image (L04)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import Fleet, eventually, run_app
from starlette.testclient import TestClient

BODY = {"topic": "Growing tomatoes on a balcony", "content_type": "social", "client_id": "acme"}


@pytest.mark.requirement("L04")
def test_one_command_switches_the_mode_of_a_running_service(
    fleet: Fleet, make_client: Callable[..., TestClient]
) -> None:
    client = make_client(rate_limit_enabled=False)
    for mode, status in (("read_only", 503), ("normal", 202)):
        done = run_app(fleet, "mode", mode)
        assert done.returncode == 0, done.stderr
        assert eventually(lambda status=status: client.post("/generate", json=BODY).status_code == status)
