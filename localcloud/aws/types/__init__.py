"""Resource types of the AWS stand-in, a file a service: what a file has in ``TYPES`` is found.

A name that the program leaves out is made as the official plugin makes it: the logical name, a dash and seven random
hexadecimal digits, and a result that is too long is refused (pulumi-terraform-bridge `AutoName`; pulumi SDK
`resource.NewUniqueHex`: "name ... plus 7 random chars is longer than maximum length ..."). Nothing is ever cut. Each
type states the longest name itself: the smaller of AWS' own limit and the official plugin's for automatic names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from localcloud.aws.discovery import found
from localcloud.aws.rules import strict
from localcloud.aws.scope import Aws
from localcloud.provider.resource import AutoName, ResourceType

TYPES: Final[Mapping[str, ResourceType[Aws]]] = {
    one.token: strict(one) for one in found(__name__, __path__, "TYPES", ResourceType)
}
NAME_LIMITS: Final[Mapping[str, AutoName]] = {token: one.auto_name for token, one in TYPES.items() if one.auto_name}
