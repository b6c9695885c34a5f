"""Placeholders in the shipped stack files: they work on the embedded cloud and nowhere else.

A real deployment with them would stop in the middle (an image that no registry has), or send alarms to no mailbox.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from infra.settings.errors import Wrong
from infra.settings.stack import NAMESPACE, StackSettings

_RESERVED: Final = re.compile(r"(^|[.@/])(example(\.(com|net|org))?|test|invalid|localhost)(?=$|[:/])")
"""Names that are set aside for documentation and tests (RFC 2606, RFC 6761); they cannot be registered."""
_EMPTY_DIGEST: Final = re.compile(r"@sha256:([0-9a-f])\1{63}$")


def placeholders(settings: StackSettings) -> Iterator[Wrong]:
    """Every value that is still an example's, each with what belongs there."""
    if _RESERVED.search(settings.domain):
        yield Wrong(f"{NAMESPACE}:domain", settings.domain, "is an example; state the domain that the stack answers at")
    for key, image in _images(settings).items():
        if _EMPTY_DIGEST.search(image):
            allowed = "is a placeholder; state the digest that the registry gave when the image was pushed"
            yield Wrong(f"{NAMESPACE}:{key}", image, allowed)
        elif "/" in image and _RESERVED.search(image.split("/")[0]):
            yield Wrong(f"{NAMESPACE}:{key}", image, "is in an example's registry; state the one that you push to")
    for key, addresses in _addresses(settings).items():
        for address in addresses:
            if _RESERVED.search(address):
                allowed = "is an example; state an address that is read, or leave it out"
                yield Wrong(f"{NAMESPACE}:{key}", address, allowed)


def _images(settings: StackSettings) -> dict[str, str]:
    own = settings.images
    return {
        "image": settings.image,
        "images.pgbouncer": own.pgbouncer,
        "images.postgres": own.postgres,
        "images.redis": own.redis,
    }


def _addresses(settings: StackSettings) -> dict[str, tuple[str, ...]]:
    contact = settings.edge.certificate_email
    return {
        "backup.notify": settings.backup.notify,
        "budget.notify": settings.budget.notify,
        "alerts.notify": settings.alerts.notify,
        "edge.certificate_email": (contact,) if contact else (),
    }
