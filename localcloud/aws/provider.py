"""`pulumi-resource-aws`, run as `python -m localcloud.aws.provider`: what the table of types needs around it.

One process serves every region, as the official provider does since its version 7: the region is an input of each
resource, filled in from the provider's configuration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from localcloud.aws.config import AwsConfig, parse
from localcloud.aws.scope import Aws, Clients
from localcloud.aws.types import TYPES
from localcloud.provider.block import Block
from localcloud.provider.resource import ProviderError, ResourceType
from localcloud.provider.serve import serve
from localcloud.provider.values import Properties

_WITH_REGION = re.compile(r"(?P<id>.+)@(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)")


@dataclass
class AwsProvider:
    """The provider: a table, a configuration, and clients made on first use."""

    name: str = "aws"
    version: str = "7.51.1"
    types: Mapping[str, ResourceType[Aws]] = field(default_factory=lambda: TYPES)
    _clients: Clients | None = None

    def configure(self, settings: Properties) -> None:
        """Take region, endpoints and default tags; refuse endpoints off this machine."""
        self._clients = Clients(parse(settings))

    @property
    def config(self) -> AwsConfig:
        """The configuration. Raises `ProviderError` before `configure`."""
        return self._configured().config

    def scope(self, urn: str, properties: Block) -> Aws:
        """Calls go to the resource's own region."""
        return Aws(urn, properties.text("region", self.config.region), self._configured())

    def address(self, resource_id: str) -> tuple[str, Properties]:
        """An import may name the region behind an @, as with the official provider."""
        if found := _WITH_REGION.fullmatch(resource_id):
            return found["id"], {"region": found["region"]}
        return resource_id, {}

    def fill(self, resource: ResourceType[Aws], inputs: Properties) -> Properties:
        """The region of regional types, and `tagsAll`: the resource's tags over the default tags."""
        filled = dict(inputs)
        if "region" in resource.schema.inputs:
            filled.setdefault("region", self.config.region)
        if "tagsAll" in resource.schema.outputs:
            own = inputs.get("tags")
            filled["tagsAll"] = (
                {**self.config.default_tags, **own} if isinstance(own, dict) else own or {**self.config.default_tags}
            )
        return filled

    def invoke(self, token: str, arguments: Block) -> Properties:
        """The three functions a program asks about its surroundings."""
        region = arguments.text("region", self.config.region)
        match token:
            case "aws:index/getCallerIdentity:getCallerIdentity":
                answer = Aws("", region, self._configured()).call("sts", "get_caller_identity")
                account = answer.text("Account")
                return {"id": account, "accountId": account, "arn": answer.text("Arn"), "userId": answer.text("UserId")}
            case "aws:index/getRegion:getRegion":
                return {"id": region, "name": region, "region": region, "endpoint": f"ec2.{region}.amazonaws.com"}
            case "aws:index/getPartition:getPartition":
                return {
                    "id": "aws",
                    "partition": "aws",
                    "dnsSuffix": "amazonaws.com",
                    "reverseDnsPrefix": "com.amazonaws",
                }
            case _:
                raise ProviderError(
                    f"{token}: the aws stand-in has no such function; it has getCallerIdentity, getRegion, getPartition"
                )

    def _configured(self) -> Clients:
        if self._clients is None:
            raise ProviderError("aws provider: it was asked for a resource before its configuration arrived")
        return self._clients


if __name__ == "__main__":
    serve(AwsProvider())
