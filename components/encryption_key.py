"""A customer key of a region, for everything in it that is stored (requirement X01)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws.kms as kms

DELETION_DAYS: Final = 30


@dataclass(frozen=True)
class EncryptionKeyArgs:
    """Arguments of EncryptionKey.

    region: AWS region of the resources.
    purpose: description that people read beside the key.
    protected: never delete the key in a destroy.
    """

    region: str
    purpose: str
    protected: bool


class EncryptionKey(pulumi.ComponentResource):
    """A KMS key that AWS renews every year, and a name for it. Without its key everything it encrypts is lost."""

    arn: pulumi.Output[str]
    id: pulumi.Output[str]

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:data:EncryptionKey", name, None, opts)
        key = kms.Key(
            f"{name}-key",
            description=args.purpose,
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_DAYS,
            region=args.region,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
        )
        kms.Alias(
            f"{name}-alias",
            name=f"alias/{name}",
            target_key_id=key.key_id,
            region=args.region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.id = key.key_id
        self.register_outputs({"arn": self.arn})
