"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Stack = Annotated[
    str, typer.Option("--stack", "-s", help="stack: local, dev, staging or prod, or <product>-<environment>")
]
Real = Annotated[bool, typer.Option("--real", help="the real cloud, by the credentials of the environment")]
Json = Annotated[bool, typer.Option("--json", help="print JSON for machines")]
Address = Annotated[str, typer.Option(help="address of the service; every region's own if left out")]
