"""The edge of a page's host as the deployment routes it: /api/ to the back end, everything else to the front end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.serving import served

_HOP = frozenset(("connection", "transfer-encoding", "content-encoding", "content-length", "keep-alive", "date"))


@contextmanager
def one_origin(api: str, page: str) -> Iterator[str]:
    """The address of the one host."""

    class Edge(BaseHTTPRequestHandler):
        def _pass(self) -> None:
            target = api if self.path.startswith("/api/") else page
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            try:
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                answer = client.request(self.command, target + self.path, content=body, headers=headers)
            except httpx.HTTPError:
                self.send_error(502)
                return
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name not in _HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PATCH = do_DELETE = _pass  # noqa: N815  the names are the standard library's

        def log_message(self, *_: object) -> None:
            return None

    with httpx.Client(timeout=30) as client:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Edge)
        with served(server):
            yield f"http://127.0.0.1:{server.server_port}"
