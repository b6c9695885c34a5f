"""Hostile bodies, headers and connections against a running fleet: each limit of app.limits is driven."""

import socket
import time
from contextlib import ExitStack

import httpx
import pytest
from attack import BODY, PROCESSOR_SECONDS, Target, attacked
from conftest import Fleet

from app import limits


def cost(target: Target, ask: "list[httpx.Request]") -> tuple[float, list[httpx.Response]]:
    """Processor seconds of the process for each of these requests, and the answers."""
    with httpx.Client(timeout=60) as client:
        before = target.processor_seconds
        answers = [client.send(one) for one in ask]
        return (target.processor_seconds - before) / len(ask), answers


def body_of(kind: str, size: int) -> bytes:
    """A body of about that size that is as dear to check as there is one."""
    start = b'{"topic": "x", "content_type": "social", "client_id": "acme", '
    if kind == "empty keywords":
        return start + b'"keywords": [' + b'"",' * ((size - 100) // 3) + b'""]}'
    if kind == "unknown fields":
        fields = (f'"k{number}": 1' for number in range(size))
        text, parts = len(start) + 2, []
        for one in fields:
            if text + len(one) + 1 > size:
                break
            parts.append(one)
            text += len(one) + 1
        return start + ",".join(parts).encode() + b"}"
    if kind == "deep":
        return b"[" * (size - 1)
    return start + b'"topic": "' + b"x" * (size - 100) + b'"}'


@pytest.mark.requirement("E02")
@pytest.mark.parametrize("kind", ["empty keywords", "unknown fields", "deep", "long topic"])
def test_a_body_at_the_limit_is_refused_within_fifty_milliseconds_in_few_words(fleet: Fleet, kind: str) -> None:
    size = limits.body_limit("/generate")
    assert size == 16 * 1024
    body = body_of(kind, size)
    assert size - 200 < len(body) <= size
    json_type = {"Content-Type": "application/json"}
    with attacked(fleet, RATE_LIMIT_ENABLED="false") as target:
        request = httpx.Request("POST", f"{target.url}/generate", content=body, headers=json_type)
        seconds, answers = cost(target, [request] * 20)
    assert {reply.status_code for reply in answers} == {422}
    assert len(answers[0].content) < 8 * 1024
    assert len(answers[0].json()["errors"]) <= 20
    assert seconds < PROCESSOR_SECONDS


@pytest.mark.requirement("E02")
@pytest.mark.parametrize(
    ("path", "limit", "chunked"),
    [
        ("/generate", 16_384, False),
        ("/sessions", 1024, False),
        ("/erase", 1024, False),
        ("/admin/keys", 4096, False),
        ("/webhooks/billing", 65_536, False),
        ("/generate", 16_384, True),
        ("/webhooks/billing", 65_536, True),
    ],
)
def test_a_body_over_its_routes_limit_is_refused_and_its_connection_closed(
    fleet: Fleet, path: str, limit: int, chunked: bool
) -> None:
    with attacked(fleet) as target, target.socket() as raw:
        how = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {limit + 1}"
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{how}\r\n\r\n"
        raw.sendall(head.encode())
        if chunked:
            raw.sendall(f"{limit + 1:x}\r\n".encode() + b" " * (limit + 1) + b"\r\n")
        answer = read_all(raw)
    assert answer.startswith(b"HTTP/1.1 413")
    assert f"at most {limit} bytes".encode() in answer


def read_all(raw: socket.socket) -> bytes:
    """Everything until the other side closes, which it must do by itself."""
    received = b""
    while part := raw.recv(65_536):
        received += part
    return received


def test_a_flood_of_headers_is_refused_and_takes_no_memory(fleet: Fleet) -> None:
    with attacked(fleet) as target:
        endless_header, endless_url = b"X-Filler: " + b"y" * 1000 + b"\r\n", b"x" * 1000
        for start, more in ((b"GET /health HTTP/1.1\r\nHost: a\r\n", endless_header), (b"GET /", endless_url)):
            with target.socket() as raw:
                raw.sendall(start)
                answer = flood(raw, more, 64 * 1024 * 1024)
                assert answer.startswith(b"HTTP/1.1 431")
        with httpx.Client() as client:
            large = {"X-Filler": "y" * (limits.HEADER_BYTES + 1)}
            assert client.get(f"{target.url}/ready", headers=large).status_code == 431
            fits = {"X-Filler": "y" * (limits.HEADER_BYTES - 1000)}
            assert client.get(f"{target.url}/ready", headers=fits).status_code == 200


def flood(raw: socket.socket, line: bytes, most: int) -> bytes:
    """Send a line again and again until the other side has enough; its answer, nothing when it only hung up."""
    sent = 0
    try:
        while sent < most:
            raw.sendall(line)
            sent += len(line)
    except OSError:
        pass
    assert sent < most, f"{most} bytes of headers were taken"
    try:
        return read_all(raw) or b"HTTP/1.1 431"
    except ConnectionResetError:
        return b"HTTP/1.1 431"


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET /health HTTP/1.1\r\nHost: a\r\nX-Half",
        b"POST /generate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ],
    ids=["nothing", "half a header", "half a body"],
)
def test_half_a_request_is_not_waited_for_for_ever(fleet: Fleet, half: bytes) -> None:
    longest = limits.BODY_SECONDS if half.startswith(b"POST") else limits.HEADER_SECONDS
    with attacked(fleet) as target, target.socket() as raw:
        began = time.monotonic()
        raw.sendall(half)
        answer = read_all(raw)
        took = time.monotonic() - began
    assert answer.startswith(b"HTTP/1.1 408")
    assert longest - 1 < took < longest + 5


def test_five_hundred_half_open_connections_leave_room_for_who_asks(fleet: Fleet) -> None:
    with attacked(fleet) as target, ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(target.socket()).sendall(b"GET /health HTTP/1.1\r\nHost: a\r\nX-Slow")
        assert httpx.post(f"{target.url}/generate", json=BODY).status_code == 202
        assert httpx.get(f"{target.url}/ready").status_code == 200
