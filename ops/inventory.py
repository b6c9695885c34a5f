"""Resources in the account under a stack's tags and not in its state: made by hand, or left behind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

from ops.report.events import Json

DERIVED: Final = (
    re.compile(r"^arn:aws:rds:[^:]*:[^:]*:(cluster-)?snapshot:(rds|awsbackup):"),
    re.compile(r"^arn:aws:rds:[^:]*:[^:]*:auto-backup:"),
    re.compile(r"^arn:aws:elasticache:[^:]*:[^:]*:snapshot:automatic\."),
    re.compile(r"^arn:aws:elasticache:[^:]*:[^:]*:cluster:.+-\d{3}$"),
    re.compile(r"^arn:aws:backup:[^:]*:[^:]*:recovery-point:"),
)
"""Resources that AWS derives from a tracked one and tags like it: automatic snapshots, the nodes of a cache (RDS User
Guide, tagging; ElastiCache User Guide, tag propagation).
"""


class Tagging(Protocol):
    """boto3's client of the Resource Groups Tagging API, as far as it is asked."""

    def get_resources(self, **arguments: object) -> Mapping[str, Json]: ...


def tagged(client: Tagging, tags: Mapping[str, str]) -> Iterator[str]:
    """The ARNs of everything in the client's region that has all of these tags."""
    wanted = [{"Key": key, "Values": [value]} for key, value in sorted(tags.items())]
    token = ""
    while True:
        paged: dict[str, object] = {"PaginationToken": token} if token else {}
        answer = client.get_resources(TagFilters=wanted, **paged)
        found = answer.get("ResourceTagMappingList")
        for one in found if isinstance(found, list) else []:
            if isinstance(one, dict):
                yield str(one["ResourceARN"])
        token = str(answer.get("PaginationToken") or "")
        if not token:
            return


def untracked(arns: Iterable[str], state: str) -> list[str]:
    """Those that the exported state knows nothing of, by ARN; a log group's ends with a star in one of the two."""
    known = {arn.removesuffix(":*") for arn in _arns(json.loads(state))}
    found = {arn.removesuffix(":*") for arn in arns}
    return sorted(arn for arn in found - known if not any(one.match(arn) for one in DERIVED))


def _arns(value: Json) -> Iterator[str]:
    """Every ARN that a state names: of the resources themselves, and of what they refer to."""
    if isinstance(value, str):
        if value.startswith("arn:"):
            yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _arns(one)
    elif isinstance(value, list):
        for one in value:
            yield from _arns(one)
