"""Web pages about a topic. Strangers wrote them: they are cut to size, and no more than words and a web address."""

from collections.abc import Iterable
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, TypeAdapter

from app.domain import Assignment, Source

MOST_PAGES: Final = 5
TITLE_LENGTH, ADDRESS_LENGTH, EXTRACT_LENGTH = 200, 2000, 1000


class Page(Source):
    """A page with what it says about the topic."""

    extract: Annotated[str, StringConstraints(max_length=EXTRACT_LENGTH)]


Pages = tuple[Page, ...]
PAGES: Final[TypeAdapter[Pages]] = TypeAdapter(Pages)


class Researched(Assignment):
    """An assignment whose topic was searched for; ``pages`` is None where that failed.

    Pages are no part of its JSON: the same request has the same text as long as that is kept, whatever a search finds.
    """

    pages: Pages | None = Field(None, exclude=True)


def pages_of(found: Iterable[tuple[object, object, object]]) -> Pages:
    """The first pages that a reader may be sent to, of titles, addresses and extracts as a search engine gave them."""
    good: list[Page] = []
    for title, url, extract in found:
        address = _address(url)
        if address is not None and len(good) < MOST_PAGES:
            name = _words(title, TITLE_LENGTH) or urlsplit(address).hostname or address
            good.append(Page(title=name, url=address, extract=_words(extract, EXTRACT_LENGTH)))
    return tuple(good)


def _words(value: object, length: int) -> str:
    """One line of what a person can see: no control characters, and none that hide or turn words around."""
    if not isinstance(value, str):
        return ""
    seen = "".join(sign if sign.isprintable() else " " for sign in value[: 4 * length])
    return " ".join(seen.split())[:length].strip()


def _address(value: object) -> str | None:
    """The address if it leads to the web and hides nothing: no script, no file, no user name before the host."""
    if not isinstance(value, str) or len(value) > ADDRESS_LENGTH or not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
        plain = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    except ValueError:
        return None
    return value if plain else None
