"""The surroundings of a test: a running server, a provider that was told where it is, and boto3 beside them."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import botocore.client
import botocore.session

from localcloud.aws.types import TYPES
from localcloud.provider.values import Properties
from tests.aws.driver import Driver, Made

REGION, OTHER_REGION = "us-east-1", "eu-west-1"
SERVICES = sorted({token.split(":")[1].split("/")[0] for token in TYPES} - {"vpc"} | {"sts"})
"""Types of the module vpc are of the service ec2; the account is asked of sts."""
DEFAULT_TAGS = {"contentgen:product": "content-generation"}
START_LIMIT = 30
"""Seconds the server may take on a busy machine."""


@dataclass(frozen=True)
class Cloud:
    """A running server."""

    endpoint: str
    boot_id: str
    process: subprocess.Popen[str]

    def boto(self, service: str, region: str = REGION) -> botocore.client.BaseClient:
        """A client of the server, independent of the provider."""
        key = (service, region)
        if key not in _clients.setdefault(self.endpoint, {}):
            _clients[self.endpoint][key] = botocore.session.Session().create_client(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=botocore.client.Config(s3={"addressing_style": "path"}, proxies={}),
            )
        return _clients[self.endpoint][key]


_clients: dict[str, dict[tuple[str, str], botocore.client.BaseClient]] = {}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class World:
    """World of a test, to declare things and to look at them from the other side."""

    cloud: Cloud
    driver: Driver
    number: int = field(default_factory=lambda: next(_numbers))

    def make(self, token: str, name: str, inputs: Properties) -> Made:
        """Create a thing under a name of this test's own."""
        return self.driver.create(token, self.name(name), inputs)

    def name(self, name: str) -> str:
        """A logical name no other test uses."""
        return f"{name}{self.number}"

    def boto(self, service: str, region: str = REGION) -> botocore.client.BaseClient:
        """The other side."""
        return self.cloud.boto(service, region)


def settings(endpoint: str) -> Properties:
    """The provider's configuration as the engine hands it over: what is no text is JSON in text."""
    return {
        "region": REGION,
        "accessKey": "test",
        "secretKey": "test",
        "endpoints": json.dumps([dict.fromkeys(SERVICES, endpoint)]),
        "skipCredentialsValidation": "true",
        "skipRequestingAccountId": "true",
        "s3UsePathStyle": "true",
        "defaultTags": json.dumps({"tags": DEFAULT_TAGS}),
    }


def start_server(ready_file: Path) -> Cloud:
    """Start a server and wait for its ready file."""
    process = subprocess.Popen(
        [sys.executable, "-m", "localcloud.aws.server", "--ready-file", str(ready_file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + START_LIMIT
    while not ready_file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the server did not become ready"
        time.sleep(0.02)
    ready = json.loads(ready_file.read_text())
    return Cloud(f"http://127.0.0.1:{ready['port']}", ready["boot_id"], process)
