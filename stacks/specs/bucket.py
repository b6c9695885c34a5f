"""Buckets for the files of a product as plain data (requirement W04)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BucketAccess(StrEnum):
    """Access of a workload or a job to a bucket: its AWS identity may do that and no more. Who serves files may
    remove one that a client gives up; who keeps files writes and serves them.
    """

    SERVES = "serves"
    WRITES = "writes"
    KEEPS = "keeps"
    CLEANS = "cleans"


@dataclass(frozen=True)
class BucketSpec:
    """Bucket of a product.

    name: its name within the stack; its variables are <NAME>_BUCKET and <NAME>_BUCKET_REGION.
    folder: prefix of every object.
    days: days until an object expires.
    """

    name: str
    folder: str
    days: int

    @property
    def variable(self) -> str:
        """Variable of the processes with the bucket's AWS name."""
        return f"{self.name.upper()}_BUCKET"
