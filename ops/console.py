"""Output for people: lines of progress with the time they took, tables, colour only on a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


class Report:
    """Where commands write. Steps are told as they begin, so that no wait is silent."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        self._start = time.monotonic()

    def step(self, text: str) -> None:
        elapsed = time.monotonic() - self._start
        self.console.print(f"[dim]{elapsed:6.1f} s[/dim]  {text}")

    def line(self, text: str = "") -> None:
        self.console.print(text, soft_wrap=True)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        table = Table(*columns, title=title, title_justify="left", title_style="bold")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    def json(self, text: str) -> None:
        print(text)
