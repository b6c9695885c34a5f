"""Lengths that AWS sets to names of ours."""

from __future__ import annotations

from typing import Final

LONGEST_STACK_NAME: Final = 20
"""Characters: the longest identifier made of a stack's name, ``<stack>-<region>-<role>-<7 digits>`` of an ElastiCache
replication group, has 40 (ElastiCache API, CreateReplicationGroup)."""
