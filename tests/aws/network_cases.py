"""Cases of Route 53 and EC2."""

from __future__ import annotations

from localcloud.provider.values import Properties
from tests.aws.cases import Case, group, named, vpc, zone
from tests.aws.driver import Made
from tests.aws.world import World


def zone_seen(world: World, made: Made) -> Properties:
    """The zone."""
    route53 = world.boto("route53")
    found = route53.get_hosted_zone(Id=made.id)["HostedZone"]
    tags = route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=made.id)["ResourceTagSet"]["Tags"]
    return {"name": found["Name"].rstrip("."), "comment": found["Config"]["Comment"], "tags": named(tags)}


def check_seen(world: World, made: Made) -> Properties:
    """The health check."""
    found = world.boto("route53").get_health_check(HealthCheckId=made.id)["HealthCheck"]["HealthCheckConfig"]
    return {
        "fqdn": found["FullyQualifiedDomainName"],
        "resourcePath": found["ResourcePath"],
        "requestInterval": found["RequestInterval"],
        "failureThreshold": found["FailureThreshold"],
    }


def record_seen(world: World, made: Made) -> Properties:
    """The record in its zone."""
    found = record_set(world, made)
    return {"ttl": found["TTL"], "records": [one["Value"] for one in found["ResourceRecords"]], "type": found["Type"]}


def record_set(world: World, made: Made) -> dict[str, object]:
    """The record as Route 53 has it."""
    answer = world.boto("route53").list_resource_record_sets(HostedZoneId=made.text("zoneId"))
    return next(one for one in answer["ResourceRecordSets"] if one["Name"] == made.text("fqdn") + ".")


def redirect(world: World, made: Made) -> None:
    """Somebody sends the name elsewhere."""
    world.boto("route53").change_resource_record_sets(
        HostedZoneId=made.text("zoneId"),
        ChangeBatch={
            "Changes": [
                {
                    "Action": "UPSERT",
                    "ResourceRecordSet": {
                        "Name": made.text("fqdn"),
                        "Type": "A",
                        "TTL": 60,
                        "ResourceRecords": [{"Value": "192.0.2.99"}],
                    },
                }
            ]
        },
    )


def vpc_seen(world: World, made: Made) -> Properties:
    """The network."""
    ec2 = world.boto("ec2")
    found = ec2.describe_vpcs(VpcIds=[made.id])["Vpcs"][0]
    names = ec2.describe_vpc_attribute(VpcId=made.id, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]
    return {"cidrBlock": found["CidrBlock"], "enableDnsHostnames": names, "tags": named(found["Tags"])}


def subnet_seen(world: World, made: Made) -> Properties:
    """The subnet."""
    found = world.boto("ec2").describe_subnets(SubnetIds=[made.id])["Subnets"][0]
    return {
        "cidrBlock": found["CidrBlock"],
        "vpcId": found["VpcId"],
        "mapPublicIpOnLaunch": found["MapPublicIpOnLaunch"],
        "tags": named(found["Tags"]),
    }


def group_seen(world: World, made: Made) -> Properties:
    """The security group."""
    found = world.boto("ec2").describe_security_groups(GroupIds=[made.id])["SecurityGroups"][0]
    assert found["IpPermissionsEgress"] == [], "the rule AWS starts a group with is still there"
    return {"description": found["Description"], "vpcId": found["VpcId"], "tags": named(found["Tags"])}


def rule_seen(world: World, made: Made) -> Properties:
    """The rule, and its tags."""
    found = world.boto("ec2").describe_security_group_rules(SecurityGroupRuleIds=[made.id])["SecurityGroupRules"][0]
    assert found["IsEgress"] == ("Egress" in made.token)
    return {
        "securityGroupId": found["GroupId"],
        "ipProtocol": found["IpProtocol"],
        "cidrIpv4": found["CidrIpv4"],
        "tags": named(found["Tags"]),
    }


def retag(world: World, made: Made) -> None:
    """Somebody changes a tag by hand."""
    world.boto("ec2").create_tags(Resources=[made.id], Tags=[{"Key": "owner", "Value": "nobody"}])


RULE = {"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432, "cidrIpv4": "10.0.0.0/8", "tags": {"owner": "platform"}}

CASES = (
    Case(
        token="aws:route53/zone:Zone",
        longest_name=255,
        declare=lambda world: {"name": f"z{world.number}.example.net", "comment": "api", "tags": {"owner": "platform"}},
        observe=zone_seen,
        change={"comment": "the api", "tags": {"owner": "backend"}},
        replace={"name": "another.example.net"},
        drift=lambda world, made: world.boto("route53").update_hosted_zone_comment(Id=made.id, Comment="drifted"),
        drifted="comment",
    ),
    Case(
        token="aws:route53/healthCheck:HealthCheck",
        declare=lambda world: {
            "type": "HTTPS",
            "fqdn": f"us{world.number}.example.org",
            "port": 443,
            "resourcePath": "/ready",
            "requestInterval": 10,
            "failureThreshold": 3,
        },
        observe=check_seen,
        change={"resourcePath": "/health", "failureThreshold": 2},
        replace={"requestInterval": 30},
        drift=lambda world, made: world.boto("route53").update_health_check(HealthCheckId=made.id, FailureThreshold=9),
        drifted="failureThreshold",
    ),
    Case(
        token="aws:route53/record:Record",
        declare=lambda world: {
            "zoneId": zone(world).id,
            "name": f"api.z{world.number}.example.org",
            "type": "A",
            "ttl": 60,
            "records": ["192.0.2.1"],
        },
        observe=record_seen,
        change={"records": ["192.0.2.2", "192.0.2.3"], "ttl": 30},
        replace={"name": "other"},
        drift=redirect,
        drifted="records",
    ),
    Case(
        token="aws:ec2/vpc:Vpc",
        declare=lambda world: {"cidrBlock": "10.1.0.0/16", "enableDnsHostnames": True, "tags": {"owner": "platform"}},
        observe=vpc_seen,
        change={"enableDnsHostnames": False, "tags": {"owner": "backend"}},
        replace={"cidrBlock": "10.2.0.0/16"},
        drift=retag,
        drifted="tags",
    ),
    Case(
        token="aws:ec2/subnet:Subnet",
        declare=lambda world: {
            "vpcId": vpc(world).id,
            "cidrBlock": "10.9.7.0/24",
            "availabilityZone": "us-east-1a",
            "mapPublicIpOnLaunch": False,
            "tags": {"owner": "platform"},
        },
        observe=subnet_seen,
        change={"mapPublicIpOnLaunch": True, "tags": {"owner": "backend"}},
        replace={"cidrBlock": "10.9.8.0/24"},
        drift=retag,
        drifted="tags",
    ),
    Case(
        token="aws:ec2/securityGroup:SecurityGroup",
        longest_name=255,
        declare=lambda world: {"description": "database", "vpcId": vpc(world).id, "tags": {"owner": "platform"}},
        observe=group_seen,
        change={"tags": {"owner": "backend"}},
        replace={"description": "cache"},
        drift=retag,
        drifted="tags",
    ),
    Case(
        token="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        declare=lambda world: {"securityGroupId": group(world).id, **RULE},
        observe=rule_seen,
        change={"tags": {"owner": "backend"}},
        replace={"cidrIpv4": "10.1.0.0/16"},
        drift=retag,
        drifted="tags",
    ),
    Case(
        token="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        declare=lambda world: {"securityGroupId": group(world).id, **RULE},
        observe=rule_seen,
        change={"tags": {"owner": "backend"}},
        replace={"fromPort": 6379, "toPort": 6379},
        drift=retag,
        drifted="tags",
    ),
)
