"""Record of a release's resources that hold data: ``python -m tests.upgrade.record 0.2.0`` writes it down for ever.

A later program must find each of them again, under its name and with what cannot change in place unchanged.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from infra.settings.stack import StackSettings
from localcloud.aws.types import TYPES
from ops.stack_files import read
from tests.unit.engine import Declared, Json
from tests.unit.program import ROOT, STACKS, declared

RELEASES: Final = Path(__file__).resolve().parent / "releases"
AWS: Final = (
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:kms/key:Key",
    "aws:rds/instance:Instance",
    "aws:route53/zone:Zone",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
)
KUBERNETES: Final = {
    "kubernetes:apps/v1:StatefulSet": ("spec.serviceName", "spec.selector", "spec.volumeClaimTemplates"),
    "kubernetes:core/v1:Namespace": ("metadata.name",),
}
"""Fields that Kubernetes lets nobody change in a StatefulSet, and what else holds data by its name."""


@dataclass(frozen=True)
class Kept:
    """One resource that holds data: where it is, and the values whose change would make another one of it.

    ``formerly`` are the URNs by which an earlier release may know it.
    """

    stack: str
    urn: str
    type: str
    fixed: dict[str, Json]
    formerly: tuple[str, ...] = ()


def kept(stack: str, settings: StackSettings) -> Iterator[Kept]:
    """Everything of a stack that holds data, as today's program declares it."""
    for one in declared(stack, settings).resources:
        if one.type in AWS:
            names = sorted(TYPES[one.type].replace_on)
        elif one.type in KUBERNETES:
            names = list(KUBERNETES[one.type])
        else:
            continue
        yield Kept(stack, one.urn, one.type, {name: _value(one, name) for name in names}, one.formerly)


def _value(one: Declared, name: str) -> Json:
    return one.at(*name.split("."))


def recorded(path: Path) -> list[Kept]:
    return [Kept(**one) for one in json.loads(path.read_text())]


def main(release: str) -> None:
    found = [asdict(one) for stack in STACKS for one in kept(stack, read(ROOT, stack))]
    path = RELEASES / f"{release}.json"
    path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    print(f"{path.relative_to(ROOT)}: {len(found)} resources that hold data")


if __name__ == "__main__":
    main(sys.argv[1])
