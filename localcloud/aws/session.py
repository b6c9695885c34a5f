"""A session with the embedded AWS as its owner: whatever keys the user has for the real one are not looked at."""

from __future__ import annotations

from typing import Final

import boto3

OWNER: Final = "embedded"


def owners_session(region: str) -> boto3.Session:
    """The session in a region; clients of it take the embedded cloud's endpoint."""
    return boto3.Session(aws_access_key_id=OWNER, aws_secret_access_key=OWNER, region_name=region)
