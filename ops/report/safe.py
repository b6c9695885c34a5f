"""Names, values and messages in Markdown, so that none of them is ever Markdown itself: no link, no tag, no mention.

Every value from outside is put in code spans, in which the platform renders nothing; sections are cut at whole lines.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
"""Line ends, and what changes the direction or the look of a line."""
ISSUE_LINES: Final = 200
"""Lines that an issue lists; it may have 65,536 characters."""
_FENCE: Final = re.compile(r"`{3,}|~{3,}")


def code(text: str, longest: int = 400) -> str:
    """A text in a code span, also within a table: no line ends, no backticks, and bars that end no cell."""
    plain = _CONTROL.sub(" ", text.replace("\n", "\\n")).replace("`", "'").replace("|", "\\|").strip()
    short = plain if len(plain) <= longest else f"{plain[:longest]}…"
    # A code span that ends with a backslash would take its own end along.
    return f"`{short.rstrip(chr(92)) or ' '}`"


def tag(text: str, longest: int = 200) -> str:
    """A text within HTML that is ours, where Markdown is not read."""
    plain = _CONTROL.sub(" ", text)
    return f"<code>{html.escape(plain if len(plain) <= longest else f'{plain[:longest]}…')}</code>"


def block(text: str, longest: int = 1_500) -> list[str]:
    """A text of several lines in a fence that nothing in it ends."""
    lines = [_CONTROL.sub(" ", line) for line in text[:longest].splitlines()]
    return ["```text", *(_FENCE.sub("---", line) for line in lines), "```"]


def listed(lines: Sequence[str], nothing: str) -> str:
    """The lines of an issue as a list, each as code, and how many more there are; ``nothing`` where there is none."""
    shown = [f"- {code(line)}" for line in lines[:ISSUE_LINES]]
    if len(lines) > ISSUE_LINES:
        shown.append(f"- … and {len(lines) - ISSUE_LINES} more")
    return "\n".join(shown) or nothing


def bounded(lines: Sequence[str], room: int, what: str) -> Iterator[str]:
    """As many of the lines as there is room for, and how many more there are; the step summary has them all."""
    left = room
    for index, line in enumerate(lines):
        left -= len(line) + 1
        if left < 0:
            yield f"\n… and {len(lines) - index:,} more {what}; the run's summary has them all.\n"
            return
        yield line
