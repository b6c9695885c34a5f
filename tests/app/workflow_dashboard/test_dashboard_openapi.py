"""The document of workflow-dashboard's API says what the back end does."""

from __future__ import annotations

import subprocess
import sys

import httpx
from conftest import Fleet
from test_openapi import CHECKS


def test_generated_requests_find_no_server_error_and_no_breach_of_the_dashboards_document(
    dashboard_fleet: Fleet,
) -> None:
    secret = {"SESSION_SECRET": "s" * 40}
    with dashboard_fleet.process("workflows", "serve", "--role", "workflows", **secret) as (_, api):
        options = ["--checks", CHECKS, "-n", "20", "--seed", "1", "--phases", "examples,fuzzing", "--no-color"]
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{api}/openapi.json", *options]
        folder = dashboard_fleet.folder
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=folder)
        assert done.returncode == 0, done.stdout[-9000:] + done.stderr[-2000:]
        assert "Unresolvable references" not in done.stdout
        assert httpx.get(f"{api}/ready").status_code == 200
        document = httpx.get(f"{api}/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"ApiKey", "Session"}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path} has no description"
