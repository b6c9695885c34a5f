"""One JUnit report of several: ``python -m tests.joined WHOLE PART...``. A part that is missing is an error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET


def join(parts: Sequence[Path], whole: Path) -> None:
    """Writes the suites of all parts into one report. Raises OSError for a part that is not there."""
    root = ET.Element("testsuites")
    for part in parts:
        root.extend(ET.parse(part).getroot().iter("testsuite"))  # noqa: S314 - reports of our own tests
    ET.ElementTree(root).write(whole, encoding="utf-8", xml_declaration=True)


if __name__ == "__main__":
    first, *others = (Path(argument) for argument in sys.argv[1:])
    join(others, first)
