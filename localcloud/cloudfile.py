"""Description of an embedded cloud, as a file: read by the Pulumi program, the runner and every command."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, computed_field

from localcloud.aws.network import IDENTITY_PROVIDER, POD_RANGES, VPC_RANGE, network_of


class RegionFile(BaseModel):
    """One region: its control plane, the second octet of its addresses, and the port its edge answers on."""

    model_config = ConfigDict(frozen=True)
    name: str
    kubeconfig: str
    network: int
    edge_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.edge_port}"


class CloudFile(BaseModel):
    """A whole cloud. ``kubeconfigs``, ``edges`` and ``aws_endpoint`` are what the program reads."""

    model_config = ConfigDict(frozen=True)
    stack: str
    folder: str
    aws_endpoint: str
    regions: tuple[RegionFile, ...]
    kubeconfigs: dict[str, str]

    @computed_field
    def edges(self) -> dict[str, str]:
        """Address of each region's edge."""
        return {region.name: region.url for region in self.regions}

    @computed_field
    def networks(self) -> dict[str, dict[str, str | tuple[str, ...]]]:
        """The prepared network of each region, by the names of the stack file's ``clusters`` section."""
        return {
            region.name: {
                **vars(network_of(region.name)),
                "pod_ranges": POD_RANGES,
                "data_ranges": (VPC_RANGE,),
                "oidc_provider": IDENTITY_PROVIDER,
            }
            for region in self.regions
        }

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls.model_validate_json(path.read_text())

    def write(self, path: Path) -> None:
        """Replace the file whole, so that no reader sees half of it."""
        scratch = path.with_suffix(".new")
        scratch.write_text(self.model_dump_json(indent=2))
        scratch.replace(path)
