"""A proxy in the machine's environment is asked for nothing that is on the machine itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from localcloud.cloud import _environment
from localcloud.proxies import past_proxies, without_proxies
from localcloud.servers import free_port
from tests.serving import served

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
ASK = """
import os, sys
from localcloud.proxies import past_proxies
if sys.argv[3] == "past":
    past_proxies(os.environ)
url, library = sys.argv[1:3]
if library == "httpx":
    import httpx
    httpx.get(url).raise_for_status()
elif library == "lightkube":
    from lightkube import Client, KubeConfig
    from lightkube.config.models import Cluster, User
    from lightkube.resources.core_v1 import Namespace
    config = KubeConfig.from_one(cluster=Cluster(server=url), user=User())
    assert Client(config=config.get()).get(Namespace, "any").metadata.name == "any"
else:
    import boto3
    from botocore.config import Config
    session = boto3.Session("key", "secret", region_name="us-east-1")
    once = Config(retries={"total_max_attempts": 1})
    session.client("sts", endpoint_url=url, config=once).get_caller_identity()
"""


class Answering(BaseHTTPRequestHandler):
    """Answers of a cluster and of an AWS endpoint."""

    def do_GET(self) -> None:
        self._answer(b'{"metadata": {"name": "any"}}', "application/json")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>", "text/xml")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with served(HTTPServer(("127.0.0.1", 0), Answering)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy for everything, which is away."""
    for name in NAMES:
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("proxied")
@pytest.mark.parametrize("library", ["httpx", "lightkube", "boto3"])
@pytest.mark.parametrize(("how", "reached"), [("past", True), ("as it is", False)])
def test_every_library_that_asks_the_embedded_cloud_goes_past_the_proxy(
    url: str, library: str, how: str, reached: bool
) -> None:
    done = subprocess.run([sys.executable, "-c", ASK, url, library, how], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == reached, done.stderr[-2000:]


@pytest.mark.usefixtures("proxied")
def test_a_daemon_of_the_embedded_cloud_knows_no_proxy() -> None:
    assert {name for name in _environment() if name.lower().endswith("_proxy")} == set()
    assert _environment()["PATH"] == os.environ["PATH"]


def test_what_the_machine_leaves_out_of_its_proxy_stays_left_out() -> None:
    environment = {"NO_PROXY": "intranet.example.com,localhost", "HTTPS_PROXY": "http://proxy.example.com:3128"}
    past_proxies(environment)
    past_proxies(environment)
    assert environment == {
        "HTTPS_PROXY": "http://proxy.example.com:3128",
        "NO_PROXY": "intranet.example.com,localhost,127.0.0.1,::1",
        "no_proxy": "intranet.example.com,localhost,127.0.0.1,::1",
    }
    assert without_proxies({**environment, "HOME": "/home/me"}) == {"HOME": "/home/me"}
