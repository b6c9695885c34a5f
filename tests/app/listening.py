"""Small HTTP servers that tests put in the place of somebody else's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.serving import served


@dataclass(frozen=True)
class Seen:
    """One request as it came in."""

    method: str
    path: str
    headers: Message
    body: bytes


Answer = tuple[int, bytes] | tuple[int, bytes, dict[str, str]]


@contextmanager
def listening(answer: Callable[[Seen], Answer]) -> Iterator[str]:
    """A server that answers with a status, a body and maybe headers, until the end of the block; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, reply, *headers = answer(Seen(self.command, self.path, self.headers, body))
            self.send_response(status)
            for name, value in (headers[0] if headers else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            # Whoever asked may have left, which is theirs to do.
            with suppress(ConnectionError):
                self.wfile.write(reply)

        do_GET = do_POST = _serve  # noqa: N815  the base class looks for these names

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with served(server):
        yield f"http://127.0.0.1:{server.server_port}"
