"""Units of amounts, and the limit that AWS' identifiers set to the names of stacks."""

from __future__ import annotations

from typing import Final

MEBIBYTE: Final = 2**20
GIBIBYTE: Final = 2**30
GIGABYTE: Final = 10**9

LONGEST_STACK_NAME: Final = 20
"""Characters: the longest identifier made of a stack's name, ``<stack>-<region>-<role>-<7 digits>`` of an ElastiCache
replication group, has 40 (ElastiCache API, CreateReplicationGroup)."""
