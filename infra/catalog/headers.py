"""The security headers of every public answer (requirement Y01), stated once: the edge sets them, the application gets
them as a setting and sends them too, and the policy pack is configured with them. docs/decisions/header-values.md says
where each value comes from.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'"
)

SECURITY_HEADERS: Final = MappingProxyType(
    {
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "X-XSS-Protection": "1; mode=block",
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
)

MAXIMUM_HEADERS_A_ROUTE: Final = 16
"""The Gateway API accepts at most this many in one ResponseHeaderModifier."""
