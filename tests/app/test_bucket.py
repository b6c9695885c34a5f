"""Objects in S3: addresses that may be handed out."""

import os
from urllib.parse import parse_qs, urlsplit

import pytest

from app.bucket import Bucket


def test_an_address_is_signed_as_s3_asks_it_for_objects_that_a_kms_key_encrypts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    address = urlsplit(Bucket("videos", "us-east-1").signed_address("videos/a.mp4", 900))
    asked = parse_qs(address.query)
    assert asked["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert asked["X-Amz-Expires"] == ["900"]
    assert address.path.endswith("videos/a.mp4")
