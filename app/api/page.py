"""The page at /: a few files without a build step, served under names that change with their content."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.api.problems import ProblemError, documented

router = APIRouter(include_in_schema=False)
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_ASSETS = ("page.js", "session.js", "page.css", "icon.svg")


@dataclass(frozen=True)
class Asset:
    """A file and its type."""

    body: bytes
    media_type: str


@router.get("/")
async def page() -> Response:
    """The page itself; always asked for again, because it names the current files."""
    return Response(_page(), headers={"Cache-Control": "no-cache"}, media_type="text/html")


@router.get("/static/{name}", responses=documented(404))
async def asset(name: Annotated[str, Path(max_length=100)]) -> Response:
    """A file of the page; it may be kept for ever."""
    found = _assets().get(name)
    if found is None:
        raise ProblemError(404, "There is no such file.")
    return Response(found.body, headers=FOREVER, media_type=found.media_type)


def _stamped(name: str) -> str:
    stem, _, kind = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(_body(name)).hexdigest()[:12]}.{kind}"


@cache
def _assets() -> dict[str, Asset]:
    return {_stamped(name): Asset(_body(name), _TYPES[name.rpartition(".")[2]]) for name in _ASSETS}


@cache
def _page() -> bytes:
    text = _read("index.html").decode()
    for name in _ASSETS:
        text = text.replace(f"/static/{name}", f"/static/{_stamped(name)}")
    return text.encode()


@cache
def _body(name: str) -> bytes:
    """A file as it is served: what it imports is named by its content too."""
    body = _read(name)
    return body.replace(b"./session.js", f"./{_stamped('session.js')}".encode()) if name == "page.js" else body


def _read(name: str) -> bytes:
    return (files("app") / "page" / name).read_bytes()
