"""Every bound on what a caller may send or hold, stated once: server, routes, edge and docs/limits.md read it here.

Each is small enough that a process stays below 256 MB and answers /health within 100 ms while callers push against all
of them at once (E02, K14); a hostile-client test drives each on a running fleet. Plain constants without imports of the
service, so that what declares the edge may read them too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

KIB: Final = 1024

BODY_BYTES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "/generate": 16 * KIB,
        "/sessions": KIB,
        "/erase": KIB,
        "/admin/": 4 * KIB,
        "/webhooks/": 64 * KIB,
        "/v1/": 64 * KIB,
        "/api/sessions": KIB,
        "/api/workflows": 16 * KIB,
        "/api/workflows/": 16 * KIB,
        "/api/tasks/": 4 * KIB,
        "/api/recipes": 16 * KIB,
        "/api/generate": 32 * KIB,
        "/api/admin/": 4 * KIB,
    }
)
"""The largest body of a path, or of all paths below one that ends in ``/``."""
OTHER_BODY_BYTES: Final = KIB
"""The largest body of a path that is not in the table: those routes read none."""
LARGEST_BODY_BYTES: Final = max(BODY_BYTES.values())

HEADER_BYTES: Final = 16 * KIB
"""Request line and headers of one request; more is answered with 431."""
HEADER_SECONDS: Final = 10.0
"""From the first byte of a request to the end of its headers (a half-open request holds a connection)."""
BODY_SECONDS: Final = 30.0
"""From the end of the headers to the end of the body."""
KEEP_ALIVE_SECONDS: Final = 75
"""An idle connection is kept so long, which is longer than load balancers keep theirs."""
CONNECTIONS: Final = 2048
"""Connections of one process; the next is answered with 503 and closed."""

FIELD_PROBLEMS: Final = 20
"""Wrong fields that one answer names; the rest is a number."""

SOCKETS_PER_CALLER: Final = 10
"""WebSockets of one key, or of one address without a key, in one process."""
SOCKETS_PER_PROCESS: Final = 1000
GREETINGS_PER_ADDRESS: Final = 100
"""WebSockets of one address in a process that have not yet said who they are."""
SOCKET_SECONDS: Final = 86_400
"""The longest that a WebSocket is kept open (E08)."""
SOCKET_MESSAGE_BYTES: Final = 4 * KIB
GREETING_SECONDS: Final = 10.0
"""From a WebSocket's opening to its first message, which says who it is."""

PENDING_SUBMISSIONS: Final = 2000
"""Accepted requests of one process that wait for the database's commit; the next is answered with 503."""
PENDING_SECONDS: Final = 15.0
"""The longest that one waits; nothing is stored of who has waited longer, or has left."""

PAGE_ROWS: Final = 20
LARGEST_PAGE_ROWS: Final = 100
EXPORT_ROWS: Final = 200
"""Rows that an export holds in memory at a time."""

WORKFLOW_ROWS: Final = 50
"""Workflows of one page of workflow-dashboard's list; the first is the one that is cached."""
TASK_ROWS: Final = 100
"""Tasks of one workflow, all of which stand in the list."""
WORKFLOW_NAME: Final = 200
WORKFLOW_DESCRIPTION: Final = 2000
TASK_TITLE: Final = 200
"""Characters of a text of workflow-dashboard."""

RECIPE_ROWS: Final = 50
"""Recipes of one page of recipe-app's list."""
RECIPE_INGREDIENTS: Final = 20
INGREDIENT_LENGTH: Final = 60
"""Characters of an ingredient that a person names."""
RECIPE_SERVINGS: Final = 20

VIDEO_ROWS: Final = 50
"""Videos of one page of video-gateway's list."""
VIDEO_PROMPT: Final = 2000
"""Characters of a prompt."""
SHORTEST_VIDEO_SECONDS: Final = 2
LONGEST_VIDEO_SECONDS: Final = 10

UNKNOWN_KEY_SECONDS: Final = 30
"""A key id that does not exist is remembered so long, and costs no query meanwhile."""
IPV6_PREFIX: Final = 64
"""Addresses of one IPv6 network of this size are one caller for limits by the minute: a site is given a /64 or more."""
IPV6_HOUR_PREFIX: Final = 48
"""The same for limits by the hour."""


@dataclass(frozen=True)
class Limit:
    """One row of docs/limits.md: what is bounded, by how much, and the answer to who exceeds it."""

    what: str
    value: str
    answer: str


def body_limit(path: str) -> int:
    """The most bytes that a body for this path may have."""
    exact = BODY_BYTES.get(path)
    if exact is not None:
        return exact
    below = (size for prefix, size in BODY_BYTES.items() if prefix.endswith("/") and path.startswith(prefix))
    return next(below, OTHER_BODY_BYTES)


def table() -> tuple[Limit, ...]:
    """Every limit in words, for people."""
    bodies = tuple(Limit(f"body for {path}", f"{size // KIB} KiB", "413") for path, size in BODY_BYTES.items())
    return (
        *bodies,
        Limit("body for any other path", f"{OTHER_BODY_BYTES // KIB} KiB", "413"),
        Limit("request line and headers", f"{HEADER_BYTES // KIB} KiB", "431"),
        Limit("time to send the headers", f"{HEADER_SECONDS:.0f} s", "408, connection closed"),
        Limit("time to send the body", f"{BODY_SECONDS:.0f} s", "408, connection closed"),
        Limit("idle connection", f"{KEEP_ALIVE_SECONDS} s", "connection closed"),
        Limit("connections of a process", f"{CONNECTIONS}", "503"),
        Limit("wrong fields named in one answer", f"{FIELD_PROBLEMS}", "the rest is counted"),
        Limit("WebSockets of a caller in a process", f"{SOCKETS_PER_CALLER}", "close code 4429"),
        Limit("WebSockets of an address before their first message", f"{GREETINGS_PER_ADDRESS}", "close code 4429"),
        Limit("WebSockets of a process", f"{SOCKETS_PER_PROCESS}", "close code 1013"),
        Limit("WebSocket kept open", f"{SOCKET_SECONDS} s", "close code 1013"),
        Limit("message to a WebSocket", f"{SOCKET_MESSAGE_BYTES // KIB} KiB", "close code 1009"),
        Limit("first message of a WebSocket", f"{GREETING_SECONDS:.0f} s", "close code 4401"),
        Limit("requests of a process waiting for a commit", f"{PENDING_SUBMISSIONS}", "503"),
        Limit("wait for a commit", f"{PENDING_SECONDS:.0f} s", "503"),
        Limit("jobs in one page of a list", f"{LARGEST_PAGE_ROWS}", "422"),
        Limit("workflows in one page of a list", f"{WORKFLOW_ROWS}", "422"),
        Limit("tasks of a workflow", f"{TASK_ROWS}", "409"),
        Limit("name of a workflow", f"{WORKFLOW_NAME} characters", "422"),
        Limit("description of a workflow", f"{WORKFLOW_DESCRIPTION} characters", "422"),
        Limit("title of a task", f"{TASK_TITLE} characters", "422"),
        Limit("recipes in one page of a list", f"{RECIPE_ROWS}", "422"),
        Limit("ingredients of a recipe", f"{RECIPE_INGREDIENTS}", "422"),
        Limit("name of an ingredient", f"{INGREDIENT_LENGTH} characters", "422"),
        Limit("servings of a recipe", f"{RECIPE_SERVINGS}", "422"),
        Limit("videos in one page of a list", f"{VIDEO_ROWS}", "422"),
        Limit("prompt of a video", f"{VIDEO_PROMPT} characters", "422"),
        Limit("length of a video", f"{SHORTEST_VIDEO_SECONDS} to {LONGEST_VIDEO_SECONDS} s", "422"),
        Limit("rows of an export in memory", f"{EXPORT_ROWS}", "streamed"),
        Limit("memory of an unknown API key", f"{UNKNOWN_KEY_SECONDS} s", "401"),
        Limit("one caller by IPv6 address", f"/{IPV6_PREFIX}, by the hour /{IPV6_HOUR_PREFIX}", "429"),
    )
