"""Identity of an embedded cloud, to tell whether it is still the one a stack was deployed to.

After etcd's data or moto's memory is lost the engine would still say "unchanged". Each store has an id that changes
when its data does; the ids seen at the last good update are kept, and when one differs the stack is refreshed first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict


class CloudIdentity(BaseModel):
    """The AWS endpoint's boot id, and by region the id of the control plane's data."""

    model_config = ConfigDict(frozen=True)
    aws: str
    clusters: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Self | None:
        return cls.model_validate_json(path.read_text()) if path.exists() else None

    def write(self, path: Path) -> None:
        path.write_text(self.model_dump_json(indent=2))

    def lost_since(self, earlier: Self | None) -> tuple[str, ...]:
        """Names of the stores that lost their data since then; none when there is nothing to compare with."""
        if earlier is None:
            return ()
        clusters = [region for region, uid in self.clusters.items() if earlier.clusters.get(region, uid) != uid]
        return (*(["AWS"] if self.aws != earlier.aws else []), *clusters)
