"""A page of a few files without a build step, served under names that change with their content."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Annotated, Final

from fastapi import APIRouter, Path
from starlette.responses import Response

from app.api.problems import ProblemError, documented

FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
INDEX: Final = "index.html"
COMMON: Final = ("frame.js", "session.js", "page.css", "icon.svg")
"""Files that every page of ours shares."""
_TYPES: Final = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


class Page:
    """The files of one page. Each is taken from the first of the packages that has it; a script may import another by
    ``./name``.
    """

    def __init__(self, packages: Sequence[str], assets: Sequence[str]) -> None:
        self._folders = [files(package) / "page" for package in packages]
        self._assets = assets
        self._bodies: dict[str, bytes] = {}
        self._served = {self._stamped(name): name for name in assets}

    def index(self) -> bytes:
        """The page itself, which names the current files."""
        text = self._read(INDEX).decode()
        for name in self._assets:
            text = text.replace(f"/static/{name}", f"/static/{self._stamped(name)}")
        return text.encode()

    def asset(self, name: str) -> tuple[bytes, str] | None:
        """A file by the name it is served under, and its media type."""
        own = self._served.get(name)
        return None if own is None else (self._body(own), _TYPES[own.rpartition(".")[2]])

    def _stamped(self, name: str) -> str:
        stem, _, kind = name.rpartition(".")
        return f"{stem}.{hashlib.sha256(self._body(name)).hexdigest()[:12]}.{kind}"

    def _body(self, name: str) -> bytes:
        """A file as it is served: what it imports is named by its content too."""
        if name not in self._bodies:
            body = self._read(name)
            for other in self._assets:
                imported = f'"./{other}"'.encode()
                if imported in body:
                    body = body.replace(imported, f'"./{self._stamped(other)}"'.encode())
            self._bodies[name] = body
        return self._bodies[name]

    def _read(self, name: str) -> bytes:
        return next((folder / name).read_bytes() for folder in self._folders if (folder / name).is_file())


def page_router(page: Page) -> APIRouter:
    """GET / and GET /static/<file>."""
    router = APIRouter(include_in_schema=False)
    index = page.index()

    @router.get("/")
    async def show() -> Response:
        """The page itself; always asked for again, because it names the current files."""
        return Response(index, headers={"Cache-Control": "no-cache"}, media_type="text/html")

    @router.get("/static/{name}", responses=documented(404))
    async def asset(name: Annotated[str, Path(max_length=100)]) -> Response:
        """A file of the page; it may be kept for ever."""
        found = page.asset(name)
        if found is None:
            raise ProblemError(404, "There is no such file.")
        body, media_type = found
        return Response(body, headers=FOREVER, media_type=media_type)

    return router
