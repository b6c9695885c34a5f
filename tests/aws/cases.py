"""One case a resource type: how it is declared, changed, replaced, and drifts, and what boto3 sees of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from localcloud.provider.values import Properties
from tests.aws.driver import Made
from tests.aws.world import REGION, World


@dataclass(frozen=True)
class Case:
    """`observe` answers properties in the provider's names from boto3's answers, to hold against what was declared.
    `longest_name` is the documented maximum of a type with a name; `broken` has inputs that break a rule, by its name.
    """

    token: str
    declare: Callable[[World], Properties]
    observe: Callable[[World, Made], Properties]
    change: Properties
    replace: Properties
    drift: Callable[[World, Made], object]
    drifted: str
    remove_parent: Callable[[World, Made], object] | None = None
    """Set where AWS keeps something of a deleted setting: only with its parent is it gone."""
    longest_name: int | None = None
    broken: Mapping[str, Properties] = field(default_factory=dict)


def statement(effect: str, principal: object, action: str, resource: object, **more: object) -> str:
    """A policy document of one statement."""
    one = {"Effect": effect, "Principal": principal, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [one]})


def named(tags: list[dict[str, str]], key: str = "Key", value: str = "Value") -> Properties:
    """boto3's tags without the default ones."""
    return {tag[key]: tag[value] for tag in tags if not tag[key].startswith("contentgen:")}


def bucket(world: World) -> Made:
    """A bucket for a setting to be set on."""
    return world.make("aws:s3/bucket:Bucket", "bucket", {})


def topic(world: World) -> Made:
    """A topic to write to."""
    return world.make("aws:sns/topic:Topic", "topic", {})


def vpc(world: World) -> Made:
    """A network."""
    return world.make("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.9.0.0/16"})


def subnets(world: World) -> list[str]:
    """Two subnets in two zones."""
    network = vpc(world)
    return [
        world.make(
            "aws:ec2/subnet:Subnet",
            f"subnet{zone}",
            {"vpcId": network.id, "cidrBlock": f"10.9.{index}.0/24", "availabilityZone": f"{REGION}{zone}"},
        ).id
        for index, zone in enumerate("ab")
    ]


def group(world: World) -> Made:
    """A security group."""
    return world.make("aws:ec2/securityGroup:SecurityGroup", "group", {"vpcId": vpc(world).id})


def zone(world: World) -> Made:
    """A hosted zone."""
    return world.make("aws:route53/zone:Zone", "zone", {"name": f"z{world.number}.example.org"})


def role(world: World) -> Made:
    """A role."""
    return world.make("aws:iam/role:Role", "role", {"assumeRolePolicy": TRUST})


def secret(world: World) -> Made:
    """A secret without a value."""
    return world.make("aws:secretsmanager/secret:Secret", "secret", {"recoveryWindowInDays": 0})


TRUST = statement("Allow", {"Service": "backup.amazonaws.com"}, "sts:AssumeRole", "*").replace(', "Resource": "*"', "")
OTHER_TRUST = TRUST.replace("backup", "rds")
