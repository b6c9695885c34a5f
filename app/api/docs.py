"""/docs and /redoc outside production, from files of our own: their policy lets nothing else run (E02, E11)."""

from functools import cache
from importlib.resources import files
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from app.api.problems import ProblemError, documented
from app.headers import CSP, SECURITY_HEADERS

router = APIRouter(include_in_schema=False)
FOLDER: Final = "/docs/files"
TYPES: Final = {"js": "text/javascript", "css": "text/css", "png": "image/png"}
STARTS: Final = {
    "docs-start.js": 'SwaggerUIBundle({ url: "/openapi.json", dom_id: "#there", deepLinking: true });',
    "redoc-start.js": 'Redoc.init("/openapi.json", { disableSearch: true }, document.getElementById("there"));',
}
"""Start scripts that the packages' own pages have inline."""
POLICY: Final = f"{SECURITY_HEADERS[CSP]}; img-src 'self' data:; style-src 'self' 'unsafe-inline'"
"""Both viewers draw their icons from data: addresses and make their styles while they run."""
FOREIGN: Final = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
"""The one thing that the viewers would fetch from elsewhere."""
_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Content generation API</title>
<link rel="icon" href="{folder}/favicon.png"><link rel="stylesheet" href="{folder}/swagger-ui.css"></head>
<body><div id="there"></div>
<script src="{folder}/{viewer}"></script><script src="{folder}/{start}"></script></body>
</html>
"""


@router.get("/docs")
async def swagger(request: Request) -> Response:
    """The API by Swagger UI: every operation can be tried."""
    return _page(request, "swagger-ui-bundle.js", "docs-start.js")


@router.get("/redoc")
async def redoc(request: Request) -> Response:
    """The API by ReDoc, for reading."""
    return _page(request, "redoc.standalone.js", "redoc-start.js")


@router.get(FOLDER + "/{name}", responses=documented(404))
async def file(name: Annotated[str, Path(pattern=r"^[a-z-]+(\.standalone)?\.(js|css|png)$")]) -> Response:
    """A file of the viewers."""
    found = _read(name)
    if found is None:
        raise ProblemError(404, "There is no such file.")
    return Response(found, media_type=TYPES[name.rpartition(".")[2]])


def _page(request: Request, viewer: str, start: str) -> Response:
    request.scope["state"]["security_headers"] = {CSP: POLICY}
    return Response(_PAGE.format(folder=FOLDER, viewer=viewer, start=start), media_type="text/html")


@cache
def _read(name: str) -> bytes | None:
    if name in STARTS:
        return STARTS[name].encode()
    found = files("fastapi_offline") / "static" / name
    return found.read_bytes().replace(FOREIGN, f"{FOLDER}/favicon.png".encode()) if found.is_file() else None
