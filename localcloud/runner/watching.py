"""A watch that goes on: the API server ends watches by the clock, and may itself be restarted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import TypeVar

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.core.resource import NamespacedResource

RETRY_SECONDS = 1.0
log = logging.getLogger(__name__)
Kind = TypeVar("Kind", bound=NamespacedResource)


async def watch(client: AsyncClient, kind: type[Kind]) -> AsyncIterator[tuple[str, Kind]]:
    """Every object of a kind in all namespaces as ADDED, then its changes, without end.

    After a break everything is listed again; what vanished meanwhile comes as DELETED.
    """
    known: dict[str, Kind] = {}
    while True:
        try:
            listed = client.list(kind, namespace="*")
            found = {_uid(item): item async for item in listed}
            for uid, gone in list(known.items()):
                if uid not in found:
                    del known[uid]
                    yield "DELETED", gone
            for uid, item in found.items():
                known[uid] = item
                yield "ADDED", item
            async for operation, item in client.watch(kind, namespace="*", resource_version=listed.resourceVersion):
                if operation == "DELETED":
                    known.pop(_uid(item), None)
                else:
                    known[_uid(item)] = item
                yield operation, item
        except (ApiError, httpx2.HTTPError) as error:
            log.warning("watch of %s broke off: %s", kind.__name__, error)
            await asyncio.sleep(RETRY_SECONDS)


def _uid(item: NamespacedResource) -> str:
    return str(item.metadata.uid)  # type: ignore[attr-defined]
