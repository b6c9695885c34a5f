"""EC2: what a security group lets through, one rule a resource."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.aws.scope import Aws, AwsRefusal
from localcloud.aws.types.ec2 import (
    EVERY_PROTOCOL,
    NO_GROUP,
    arn,
    change_tags,
    tag_outputs,
    tag_specification,
)
from localcloud.provider.block import Block
from localcloud.provider.resource import AlreadyThere, Created, ResourceType
from localcloud.provider.values import Properties, Value

NO_RULE = NO_GROUP | {"InvalidSecurityGroupRuleId.NotFound"}


@dataclass(frozen=True)
class Rules:
    """The rules of one direction, each a resource of its own."""

    token: str
    direction: str
    outgoing: bool

    def resource(self) -> ResourceType[Aws]:
        """The table entry. Any change of what a rule lets through is another rule; AWS knows each by its own id."""
        matching = frozenset(
            {"ipProtocol", "fromPort", "toPort", "cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"}
        )
        return ResourceType(
            token=self.token,
            inputs=matching | {"securityGroupId", "description", "tags", "region"},
            replace_on=matching | {"securityGroupId", "description", "region"},
            create=self.create,
            read=self.read,
            update=change_tags,
            delete=self.delete,
        )

    def _permission(self, inputs: Block) -> Properties:
        note: Properties = {"Description": inputs.text("description")} if inputs.has("description") else {}
        permission: Properties = {"IpProtocol": inputs.text("ipProtocol")}
        permission |= inputs.renamed({"fromPort": "FromPort", "toPort": "ToPort"})
        for name, ranges, field in (
            ("cidrIpv4", "IpRanges", "CidrIp"),
            ("cidrIpv6", "Ipv6Ranges", "CidrIpv6"),
            ("prefixListId", "PrefixListIds", "PrefixListId"),
            ("referencedSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ):
            if inputs.has(name):
                permission[ranges] = [{field: inputs.text(name), **note}]
        return permission

    def create(self, aws: Aws, inputs: Block) -> Created:
        """Let one thing through."""
        group = inputs.text("securityGroupId")
        permissions: list[Value] = [self._permission(inputs)]
        try:
            answer = aws.call(
                "ec2",
                f"authorize_security_group_{self.direction}",
                GroupId=group,
                IpPermissions=permissions,
                TagSpecifications=tag_specification("security-group-rule", inputs),
            )
        except AwsRefusal as refusal:
            if refusal.code == "InvalidPermission.Duplicate" and (same := self._same(aws, group, inputs)):
                raise AlreadyThere(same, str(refusal)) from refusal
            raise
        made = answer.blocks("SecurityGroupRules")
        return Created(made[0].text("SecurityGroupRuleId") if made else self._same(aws, group, inputs))

    def _rules(self, aws: Aws, group: str) -> list[Block]:
        answer = aws.find(
            NO_GROUP, "ec2", "describe_security_group_rules", Filters=[{"Name": "group-id", "Values": [group]}]
        )
        rules = answer.blocks("SecurityGroupRules") if answer else []
        return [rule for rule in rules if rule.flag("IsEgress") == self.outgoing]

    def _same(self, aws: Aws, group: str, inputs: Block) -> str:
        wanted = {name: inputs.values.get(name) for name in ("ipProtocol", "cidrIpv4", "referencedSecurityGroupId")}
        for rule in self._rules(aws, group):
            found = self._outputs(rule)
            if all(found.get(name) == value for name, value in wanted.items()) and found.get(
                "fromPort"
            ) == inputs.values.get("fromPort"):
                return rule.text("SecurityGroupRuleId")
        return ""

    def _outputs(self, rule: Block) -> Properties:
        ports = rule.named({"fromPort": "FromPort", "toPort": "ToPort"})
        every = rule.text("IpProtocol") == EVERY_PROTOCOL
        return {
            **({} if every else ports),
            **rule.named(
                {
                    "ipProtocol": "IpProtocol",
                    "cidrIpv4": "CidrIpv4",
                    "cidrIpv6": "CidrIpv6",
                    "prefixListId": "PrefixListId",
                    "description": "Description",
                    "securityGroupId": "GroupId",
                }
            ),
            "referencedSecurityGroupId": rule.block("ReferencedGroupInfo").text("GroupId") or None,
        }

    def read(self, aws: Aws, rule_id: str, known: Block) -> Properties | None:
        """The rule by its id."""
        answer = aws.find(NO_RULE, "ec2", "describe_security_group_rules", SecurityGroupRuleIds=[rule_id])
        rules = [
            rule
            for rule in (answer.blocks("SecurityGroupRules") if answer else [])
            if rule.text("SecurityGroupRuleId") == rule_id
        ]
        if not rules:
            return None
        rule = rules[0]
        return {
            **self._outputs(rule),
            "securityGroupRuleId": rule_id,
            "arn": arn(aws, rule.text("GroupOwnerId"), "security-group-rule", rule_id),
            "region": aws.region,
            **tag_outputs(rule, known),
        }

    def delete(self, aws: Aws, rule_id: str, known: Block) -> None:
        """Close it again."""
        aws.remove(
            NO_RULE | {"InvalidPermission.NotFound"},
            "ec2",
            f"revoke_security_group_{self.direction}",
            GroupId=known.text("securityGroupId"),
            SecurityGroupRuleIds=[rule_id],
        )


TYPES: tuple[ResourceType[Aws], ...] = (
    Rules("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "ingress", outgoing=False).resource(),
    Rules("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "egress", outgoing=True).resource(),
)
