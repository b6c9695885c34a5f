"""Output for people: lines of progress with the time they took, tables, colour only on a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

PIPE_COLUMNS = 160


class Report:
    """Output of commands. Steps are printed as they begin, so that no wait is silent. Texts are printed as they are: a
    part in brackets is no markup, and names and messages from outside may hold any.
    """

    def __init__(self) -> None:
        # Into a file or a pipe there is no width to keep to, and a cut address is of no use.
        self.console = Console(highlight=False)
        if not self.console.is_terminal:
            self.console.width = PIPE_COLUMNS
        self._start = time.monotonic()

    def step(self, text: str) -> None:
        elapsed = time.monotonic() - self._start
        self.console.print(f"[dim]{elapsed:6.1f} s[/dim]  {escape(text)}")

    def line(self, text: str = "") -> None:
        self.console.print(text, soft_wrap=True, markup=False)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        table = Table(title=escape(title), title_justify="left", title_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*map(escape, row))
        self.console.print(table)

    def json(self, text: str) -> None:
        print(text)
