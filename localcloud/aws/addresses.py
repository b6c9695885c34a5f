"""Addresses of the AWS server that are none of AWS: what the rest of the embedded cloud asks it."""

from __future__ import annotations

from typing import Final

BOOT_ID_PATH: Final = "/localcloud/boot-id"
"""One run of the server: moto's data is gone after a restart, and a client with the old id has to refresh."""
DATABASES_PATH: Final = "/localcloud/databases"
"""The managed databases, so that their endpoints, which listen nowhere, can be mapped to local servers."""
PERMISSIONS_PATH: Final = "/localcloud/permissions"
"""The permissions that each identity has needed so far."""
