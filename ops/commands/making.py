"""Commands that write new parts of the project."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from ops.checkout import CHECKOUT
from ops.console import Report
from ops.new_product import LONGEST_SHORT, make_product

new: Final = typer.Typer(no_args_is_help=True, help="Write new parts of the project.")


@new.callback()
def _several() -> None:
    """Write new parts of the project."""


@new.command()
def product(
    name: Annotated[str, typer.Argument(help="name of the product and of its namespace, a DNS label")],
    short: Annotated[
        str, typer.Option(help=f"begin of its names in AWS, {LONGEST_SHORT} characters at most; the name if left out")
    ] = "",
) -> None:
    """Write a product's folders, stack files and tests: a web service with Postgres that works at once; 2 when its name
    cannot be used, and then nothing is written.
    """
    make_product(CHECKOUT, name, short, Report())
