"""The document of blog-ai's API says what its port does."""

from __future__ import annotations

import subprocess
import sys

import httpx
from blog_site import BlogFleet
from test_openapi import CHECKS


def test_generated_requests_find_no_server_error_and_no_breach_of_blog_ais_document(blog_fleet: BlogFleet) -> None:
    secrets = {"SESSION_SECRET": "s" * 40, "STRIPE_WEBHOOK_SECRET": "whsec_" + "s" * 40}
    with blog_fleet.container(**secrets) as blog:
        options = ["--checks", CHECKS, "-n", "10", "--seed", "1", "--phases", "examples,fuzzing", "--no-color"]
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{blog.api}/openapi.json", *options]
        folder = blog_fleet.fleet.folder
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=folder)
        assert done.returncode == 0, done.stdout[-9000:] + done.stderr[-2000:]
        assert "Unresolvable references" not in done.stdout
        assert httpx.get(f"{blog.api}/ready").status_code == 200
        document = httpx.get(f"{blog.api}/openapi.json").json()
    assert document["info"]["title"] == "Blog AI"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path} has no description"
