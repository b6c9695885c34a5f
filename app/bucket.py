"""One S3 bucket: objects in, out, listed and deleted. Credentials and endpoint are the process' own (boto3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import boto3
from botocore.config import Config

CHUNK_BYTES: Final = 1024 * 1024
DELETED_AT_ONCE: Final = 1000
"""Most keys that one DeleteObjects request takes (Amazon S3 API reference, DeleteObjects)."""


@dataclass(frozen=True)
class Stored:
    """An object in a listing."""

    key: str
    bytes: int
    changed_at: datetime


@dataclass(frozen=True)
class Bucket:
    """A bucket by name and region. Every method raises botocore's errors."""

    name: str
    region: str

    def put(self, key: str, body: bytes, media_type: str | None = None) -> None:
        """A small object."""
        typed = {} if media_type is None else {"ContentType": media_type}
        self._client.put_object(Bucket=self.name, Key=key, Body=body, **typed)

    def get(self, key: str) -> bytes:
        """A small object. Raises botocore's ClientError when it is not there."""
        return bytes(self._client.get_object(Bucket=self.name, Key=key)["Body"].read())

    def chunks(self, key: str) -> Iterator[bytes]:
        """A large object, piece by piece. Raises botocore's ClientError when it is not there."""
        return iter(self._client.get_object(Bucket=self.name, Key=key)["Body"].iter_chunks(CHUNK_BYTES))

    def part(self, key: str, first: int, last: int | None) -> tuple[str, Iterator[bytes]]:
        """Bytes of an object from ``first`` on, at most to ``last``, with S3's own Content-Range. Raises botocore's
        ClientError when it is not there, or shorter.
        """
        found = self._client.get_object(
            Bucket=self.name, Key=key, Range=f"bytes={first}-{'' if last is None else last}"
        )
        return str(found["ContentRange"]), iter(found["Body"].iter_chunks(CHUNK_BYTES))

    def size(self, key: str) -> int:
        """Bytes of an object. Raises botocore's ClientError when it is not there."""
        return int(self._client.head_object(Bucket=self.name, Key=key)["ContentLength"])

    def listed(self, prefix: str) -> Iterator[Stored]:
        """Objects whose keys begin so, by key."""
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield Stored(entry["Key"], int(entry["Size"]), entry["LastModified"])

    def delete(self, keys: Sequence[str]) -> None:
        """Objects; one that is not there is no error."""
        for first in range(0, len(keys), DELETED_AT_ONCE):
            some = [{"Key": key} for key in keys[first : first + DELETED_AT_ONCE]]
            self._client.delete_objects(Bucket=self.name, Delete={"Objects": some, "Quiet": True})

    def signed_address(self, key: str, seconds: int) -> str:
        """Address by which anyone may download an object for so long. S3 takes no signature but version 4 for objects
        that a KMS key encrypts (Amazon S3 User Guide, "Specifying server-side encryption with AWS KMS").
        """
        parameters = {"Bucket": self.name, "Key": key}
        return str(self._client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds))

    @property
    def _client(self):  # noqa: ANN202  boto3 makes its classes at run time
        return boto3.client("s3", region_name=self.region, config=Config(signature_version="s3v4"))
