"""The document says what the service does: generated requests, allowed and not, find no server error and no breach."""

import subprocess
import sys

import httpx
from conftest import Fleet

# Left out: that whatever fits the schema is accepted. A reused Idempotency-Key fits, and is refused for what it says.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance"
)


def test_generated_requests_find_no_server_error_and_no_breach_of_the_document(fleet: Fleet) -> None:
    token = "an-administrators-token"
    variables = {"ADMIN_TOKEN": token, "ALLOWED_ADMIN_IPS": "127.0.0.1", "SESSION_SECRET": "s" * 32}
    with fleet.process("cpm", "serve", "--role", "cpm", **variables) as (_, api):
        options = ["--checks", CHECKS, "-n", "20", "--seed", "1", "--phases", "examples,fuzzing", "--no-color"]
        # The mode would switch the service off for all that follows.
        excluded = ["--exclude-path", "/admin/mode", "--exclude-path", "/debug-sentry", "-H", f"X-Admin-Token: {token}"]
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{api}/openapi.json", *options, *excluded]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=fleet.folder)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        assert "Unresolvable references" not in done.stdout
        assert httpx.get(f"{api}/ready").status_code == 200


def test_every_operation_is_described_with_its_errors(fleet: Fleet) -> None:
    with fleet.process("cpm", "serve", "--role", "cpm") as (_, api):
        document = httpx.get(f"{api}/openapi.json").json()
    generate = document["paths"]["/generate"]["post"]
    assert {"202", "401", "409", "413", "422", "429", "503"} <= generate["responses"].keys()
    assert "examples" in document["components"]["schemas"]["GenerationRequest"]["properties"]["topic"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path} has no description"


def test_the_document_says_which_credentials_and_headers_there_are(fleet: Fleet) -> None:
    with fleet.process("cpm", "serve", "--role", "cpm", API_KEY_REQUIRED="true", RATE_LIMIT_ENABLED="true") as (_, api):
        document = httpx.get(f"{api}/openapi.json").json()
        answer = httpx.get(f"{api}/sessions")
    assert set(document["components"]["securitySchemes"]) == {"ApiKey", "Session", "AdminToken", "BillingSignature"}
    paths = document["paths"]
    assert paths["/generate"]["post"]["security"] == [{"ApiKey": []}, {"Session": []}]
    assert paths["/admin/queue"]["get"]["security"] == [{"AdminToken": []}]
    assert paths["/health"]["get"]["security"] == []
    accepted = paths["/generate"]["post"]["responses"]["202"]["headers"]
    assert {"Location", "Retry-After", "Idempotency-Replayed", "RateLimit", "X-RateLimit-Limit"} <= set(accepted)
    told = paths["/sessions"]["get"]["responses"]["200"]["headers"]
    assert all(name in answer.headers for name in told), "what is documented is sent"
    for path in ("/health/db", "/health/cache", "/ready", "/api/health", "/api/ready"):
        for status in ("200", "503"):
            assert "$ref" in paths[path]["get"]["responses"][status]["content"]["application/json"]["schema"]
