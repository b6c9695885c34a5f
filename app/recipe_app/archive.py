"""Rows that recipe-app puts into its archive, by their age (K17)."""

from typing import Final

from app.archive import Archiving

TEXTS: Final = Archiving(
    name="archive texts",
    kind="recipes",
    table="recipes",
    identity="id",
    condition="status IN ('ready', 'failed') AND created_at < now() - interval '6 months'",
    drop="UPDATE recipes SET status = 'archived', recipe = NULL, updated_at = now() WHERE id = ANY(:ids)",
)
"""The text of a recipe goes after half a year; its line in the list and its figures stay."""
RECORDS: Final = Archiving(
    name="archive records",
    kind="records",
    table="recipes",
    identity="id",
    condition="status IN ('archived', 'ready', 'failed') AND created_at < now() - interval '1 year'",
    drop="DELETE FROM recipes WHERE id = ANY(:ids)",
)
"""After a year the record goes too."""
CALLS: Final = Archiving(
    name="archive ledger",
    kind="calls",
    table="llm_calls",
    identity="id",
    condition="settled_at < now() - interval '13 months'",
    drop="DELETE FROM llm_calls WHERE id = ANY(:ids)",
)
"""The ledger of paid calls, a month longer than the records that name them."""
