"""Migrations of TEMPLATE_name's database."""

from typing import Final

from app.history import History

from .tables import items

HISTORY: Final = History("TEMPLATE_name", f"{__package__}.migrations", mark=items.name)
