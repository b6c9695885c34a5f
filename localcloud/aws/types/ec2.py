"""EC2: the network a managed database needs: VPC, subnets and security groups. Rules are in `ec2_rules`."""

from __future__ import annotations

from localcloud.aws import tags
from localcloud.aws.scope import DESCRIPTION, Aws, AwsRefusal
from localcloud.provider.block import Block
from localcloud.provider.resource import AlreadyThere, AutoName, Created, ResourceType
from localcloud.provider.values import Properties, Value

NO_VPC = frozenset({"InvalidVpcID.NotFound"})
NO_SUBNET = frozenset({"InvalidSubnetID.NotFound"})
NO_GROUP = frozenset({"InvalidGroup.NotFound", "InvalidGroupId.NotFound"})
DUPLICATE = "InvalidGroup.Duplicate"
VPC_SWITCHES = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}
SUBNET_SWITCHES = {
    "mapPublicIpOnLaunch": "MapPublicIpOnLaunch",
    "assignIpv6AddressOnCreation": "AssignIpv6AddressOnCreation",
}
SUBNET = {
    "vpcId": "VpcId",
    "cidrBlock": "CidrBlock",
    "availabilityZone": "AvailabilityZone",
    "ipv6CidrBlock": "Ipv6CidrBlock",
}
EVERY_PROTOCOL = "-1"


def tag_specification(kind: str, inputs: Block) -> list[Value]:
    """The tags of a thing about to be made, as the create calls take them."""
    wanted = tags.wanted(inputs)
    return [{"ResourceType": kind, "Tags": _listed(wanted)}] if wanted else []


def _listed(wanted: dict[str, str]) -> list[Value]:
    return [{"Key": key, "Value": value} for key, value in sorted(wanted.items())]


def change_tags(aws: Aws, thing: str, before: Block, after: Block) -> None:
    """Bring the tags of a thing from what was declared before to what is declared now."""
    old, new = tags.wanted(before), tags.wanted(after)
    if gone := sorted(set(old) - set(new)):
        aws.call("ec2", "delete_tags", Resources=[thing], Tags=[{"Key": key} for key in gone])
    if added := {key: value for key, value in new.items() if old.get(key) != value}:
        aws.call("ec2", "create_tags", Resources=[thing], Tags=_listed(added))


def tag_outputs(thing: Block, known: Block) -> Properties:
    """`tags` and `tagsAll` of a described thing."""
    return tags.outputs({one.text("Key"): one.text("Value") for one in thing.blocks("Tags")}, known)


def arn(aws: Aws, owner: str, kind: str, thing: str) -> str:
    """EC2 answers with ids alone; the ARN is put together here."""
    return f"arn:aws:ec2:{aws.region}:{owner}:{kind}/{thing}"


def create_vpc(aws: Aws, inputs: Block) -> Created:
    """A VPC has no name of ours: every create makes a new one."""
    answer = aws.call(
        "ec2",
        "create_vpc",
        **inputs.renamed({"cidrBlock": "CidrBlock", "instanceTenancy": "InstanceTenancy"}),
        TagSpecifications=tag_specification("vpc", inputs),
    )
    return Created(answer.block("Vpc").text("VpcId"))


def settle_vpc(aws: Aws, vpc_id: str, inputs: Block) -> None:
    """Each switch is a call; absent ones take the official provider's defaults."""
    _switch_vpc(aws, vpc_id, inputs, "enableDnsSupport", default=True)
    _switch_vpc(aws, vpc_id, inputs, "enableDnsHostnames", default=False)


def _switch_vpc(aws: Aws, vpc_id: str, inputs: Block, name: str, *, default: bool) -> None:
    value: Properties = {VPC_SWITCHES[name]: {"Value": inputs.flag(name, default)}}
    aws.call("ec2", "modify_vpc_attribute", VpcId=vpc_id, **value)


def read_vpc(aws: Aws, vpc_id: str, known: Block) -> Properties | None:
    """The VPC and its switches."""
    answer = aws.find(NO_VPC, "ec2", "describe_vpcs", VpcIds=[vpc_id])
    if answer is None:
        return None
    vpc = answer.blocks("Vpcs")[0]
    switches: Properties = {
        name: aws.call("ec2", "describe_vpc_attribute", VpcId=vpc_id, Attribute=name).block(api).flag("Value")
        for name, api in VPC_SWITCHES.items()
    }
    groups = aws.call(
        "ec2",
        "describe_security_groups",
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}],
    ).blocks("SecurityGroups")
    return {
        **switches,
        "cidrBlock": vpc.text("CidrBlock"),
        "instanceTenancy": vpc.text("InstanceTenancy"),
        "dhcpOptionsId": vpc.text("DhcpOptionsId"),
        "ownerId": vpc.text("OwnerId"),
        "defaultSecurityGroupId": groups[0].text("GroupId") if groups else None,
        "arn": arn(aws, vpc.text("OwnerId"), "vpc", vpc_id),
        "region": aws.region,
        **tag_outputs(vpc, known),
    }


def update_vpc(aws: Aws, vpc_id: str, before: Block, after: Block) -> None:
    """Switches and tags."""
    settle_vpc(aws, vpc_id, after)
    change_tags(aws, vpc_id, before, after)


def create_subnet(aws: Aws, inputs: Block) -> Created:
    """A range of the VPC; an overlapping one is refused by AWS and by moto."""
    answer = aws.call(
        "ec2", "create_subnet", **inputs.renamed(SUBNET), TagSpecifications=tag_specification("subnet", inputs)
    )
    return Created(answer.block("Subnet").text("SubnetId"))


def settle_subnet(aws: Aws, subnet_id: str, inputs: Block) -> None:
    """Each switch is a call."""
    for name, api in SUBNET_SWITCHES.items():
        if inputs.has(name):
            value: Properties = {api: {"Value": inputs.flag(name)}}
            aws.call("ec2", "modify_subnet_attribute", SubnetId=subnet_id, **value)


def read_subnet(aws: Aws, subnet_id: str, known: Block) -> Properties | None:
    """The subnet."""
    answer = aws.find(NO_SUBNET, "ec2", "describe_subnets", SubnetIds=[subnet_id])
    if answer is None:
        return None
    subnet = answer.blocks("Subnets")[0]
    return {
        **subnet.named({**SUBNET, **SUBNET_SWITCHES, "ownerId": "OwnerId", "availabilityZoneId": "AvailabilityZoneId"}),
        "arn": arn(aws, subnet.text("OwnerId"), "subnet", subnet_id),
        "region": aws.region,
        **tag_outputs(subnet, known),
    }


def update_subnet(aws: Aws, subnet_id: str, before: Block, after: Block) -> None:
    """Switches and tags."""
    settle_subnet(aws, subnet_id, after)
    change_tags(aws, subnet_id, before, after)


def create_group(aws: Aws, inputs: Block) -> Created:
    """A group without rules. AWS gives it a rule that lets everything out; the official provider takes it away."""
    parameters = inputs.renamed({"vpcId": "VpcId"})
    name = inputs.text("name")
    try:
        answer = aws.call(
            "ec2",
            "create_security_group",
            GroupName=name,
            Description=inputs.text("description", DESCRIPTION),
            TagSpecifications=tag_specification("security-group", inputs),
            **parameters,
        )
    except AwsRefusal as refusal:
        if refusal.code == DUPLICATE:
            raise AlreadyThere(_group_named(aws, name, inputs.text("vpcId")), str(refusal)) from refusal
        raise
    return Created(answer.text("GroupId"))


def _group_named(aws: Aws, name: str, vpc_id: str) -> str:
    filters: list[Value] = [{"Name": "group-name", "Values": [name]}]
    if vpc_id:
        filters.append({"Name": "vpc-id", "Values": [vpc_id]})
    return aws.call("ec2", "describe_security_groups", Filters=filters).blocks("SecurityGroups")[0].text("GroupId")


def settle_group(aws: Aws, group_id: str, inputs: Block) -> None:
    """Take away the rule AWS starts a group with."""
    group = aws.call("ec2", "describe_security_groups", GroupIds=[group_id]).blocks("SecurityGroups")[0]
    if group.has("IpPermissionsEgress") and group.blocks("IpPermissionsEgress"):
        everything: Value = [{"IpProtocol": EVERY_PROTOCOL, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        aws.call("ec2", "revoke_security_group_egress", GroupId=group_id, IpPermissions=everything)


def read_group(aws: Aws, group_id: str, known: Block) -> Properties | None:
    """The group; its rules are resources of their own."""
    answer = aws.find(NO_GROUP, "ec2", "describe_security_groups", GroupIds=[group_id])
    if answer is None or not answer.blocks("SecurityGroups"):
        return None
    group = answer.blocks("SecurityGroups")[0]
    return {
        **group.named({"name": "GroupName", "description": "Description", "vpcId": "VpcId", "ownerId": "OwnerId"}),
        "arn": arn(aws, group.text("OwnerId"), "security-group", group_id),
        "region": aws.region,
        **tag_outputs(group, known),
    }


TYPES: tuple[ResourceType[Aws], ...] = (
    ResourceType(
        token="aws:ec2/vpc:Vpc",
        inputs=frozenset({"cidrBlock", "instanceTenancy", *VPC_SWITCHES, "tags", "region"}),
        replace_on=frozenset({"cidrBlock", "instanceTenancy", "region"}),
        defaults={"enableDnsSupport": True},
        also_computed=frozenset({"enableDnsHostnames", "instanceTenancy"}),
        create=create_vpc,
        settle=settle_vpc,
        read=read_vpc,
        update=update_vpc,
        delete=lambda aws, vpc_id, _: aws.remove(NO_VPC, "ec2", "delete_vpc", VpcId=vpc_id),
    ),
    ResourceType(
        token="aws:ec2/subnet:Subnet",
        inputs=frozenset({*SUBNET, *SUBNET_SWITCHES, "tags", "region"}),
        replace_on=frozenset({"vpcId", "cidrBlock", "availabilityZone", "region"}),
        also_computed=frozenset({"availabilityZone", "availabilityZoneId"}),
        create=create_subnet,
        settle=settle_subnet,
        read=read_subnet,
        update=update_subnet,
        delete=lambda aws, subnet_id, _: aws.remove(NO_SUBNET, "ec2", "delete_subnet", SubnetId=subnet_id),
    ),
    ResourceType(
        token="aws:ec2/securityGroup:SecurityGroup",
        inputs=frozenset({"name", "description", "vpcId", "tags", "region"}),
        replace_on=frozenset({"name", "description", "vpcId", "region"}),
        auto_name=AutoName(longest=255, source="EC2 API, CreateSecurityGroup.GroupName"),
        defaults={"description": DESCRIPTION},
        also_computed=frozenset({"vpcId"}),
        create=create_group,
        settle=settle_group,
        read=read_group,
        update=change_tags,
        delete=lambda aws, group_id, _: aws.remove(NO_GROUP, "ec2", "delete_security_group", GroupId=group_id),
    ),
)
