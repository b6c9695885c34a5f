"""Rules of CloudWatch, Budgets, SNS and Route 53."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final

from localcloud.aws.rule import Rule, number, pattern
from localcloud.provider.block import Block

ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"
BUDGET: Final = "aws:budgets/budget:Budget"
SUBSCRIPTION: Final = "aws:sns/topicSubscription:TopicSubscription"
ZONE: Final = "aws:route53/zone:Zone"
RECORD: Final = "aws:route53/record:Record"
CHECK: Final = "aws:route53/healthCheck:HealthCheck"

HOUR: Final = 3600
DAY: Final = 86_400
WEEK: Final = 7 * DAY
MOST_NOTICES: Final = 5
MOST_ADDRESSES: Final = 10
LONGEST_STRING: Final = 255
RESERVED_DOMAINS: Final = ("example.com", "example.net", "example.org")
RESERVED_ENDINGS: Final = (".test", ".invalid", ".localhost", ".example")
EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def _window_too_long(inputs: Block) -> bool:
    period, periods = inputs.number("period", 300), inputs.number("evaluationPeriods", 1)
    return period * periods > (WEEK if period >= HOUR else DAY)


def _elsewhere(inputs: Block) -> bool:
    region = inputs.text("region")
    arns = [arn.split(":") for arn in inputs.texts("alarmActions")]
    return bool(region) and any(len(arn) > 3 and arn[3] and arn[3] != region for arn in arns)


def _addresses(inputs: Block) -> bool:
    return any(len(one.texts("subscriberEmailAddresses")) > MOST_ADDRESSES for one in inputs.blocks("notifications"))


def _private(inputs: Block) -> bool:
    try:
        return not ip_address(inputs.text("ipAddress")).is_global
    except ValueError:
        return True


def _long_string(inputs: Block) -> bool:
    if inputs.text("type") != "TXT":
        return False
    strings = [part for record in inputs.texts("records") for part in re.split(r'"\s*"', record.strip('"'))]
    return any(len(part) > LONGEST_STRING for part in strings)


def _reserved(inputs: Block) -> bool:
    name = inputs.text("name").rstrip(".").lower()
    return name in RESERVED_DOMAINS or name.endswith(RESERVED_ENDINGS)


RULES: Final = (
    number(
        "alarm-period", ALARM, "period", lambda period: period in (10, 20, 30) or (period > 0 and period % 60 == 0),
        "10, 20, 30 or a multiple of 60 seconds", "CloudWatch API, PutMetricAlarm.Period",
    ),
    Rule(
        "alarm-window", ALARM, "evaluationPeriods",
        "period times evaluationPeriods of a day at the most, of 7 days with periods of an hour or more",
        "CloudWatch API, PutMetricAlarm.EvaluationPeriods", _window_too_long,
    ),
    Rule(
        "alarm-datapoints", ALARM, "datapointsToAlarm", "evaluationPeriods at the most",
        "CloudWatch API, PutMetricAlarm.DatapointsToAlarm",
        lambda inputs: inputs.number("datapointsToAlarm") > inputs.number("evaluationPeriods", 1),
    ),
    Rule(
        "alarm-region", ALARM, "alarmActions", "actions in the alarm's own region",
        "cds-snc/notification-terraform#128: Invalid region specified", _elsewhere,
    ),
    Rule(
        "budget-notices", BUDGET, "notifications", f"{MOST_NOTICES} notifications at the most",
        "AWS Billing User Guide, Quotas: notifications a budget",
        lambda inputs: len(inputs.blocks("notifications")) > MOST_NOTICES,
    ),
    Rule(
        "budget-addresses", BUDGET, "notifications", f"{MOST_ADDRESSES} addresses a notification at the most",
        "AWS Billing User Guide, Quotas: e-mail addresses a notification", _addresses,
    ),
    Rule(
        "subscription-address", SUBSCRIPTION, "endpoint", "an e-mail address for the protocol email",
        "SNS API, Subscribe.Endpoint",
        lambda inputs: inputs.text("protocol") == "email" and EMAIL.fullmatch(inputs.text("endpoint")) is None,
    ),
    Rule(
        "zone-reserved", ZONE, "name", "a domain that is not reserved: neither example.com nor .test",
        "Route 53 API, CreateHostedZone, InvalidDomainName; RFC 2606", _reserved,
    ),
    Rule(
        "record-string", RECORD, "records", f"{LONGEST_STRING} characters a string of a TXT record at the most",
        "Route 53 Developer Guide, TXT record type: CharacterStringTooLong", _long_string,
    ),
    pattern(
        "check-path", CHECK, "resourcePath", r"/.{0,254}", "a path that begins with /",
        "Route 53 API, HealthCheckConfig.ResourcePath",
    ),
    Rule(
        "check-address", CHECK, "ipAddress", "an address of the public internet",
        "Route 53 API, HealthCheckConfig.IPAddress", _private,
    ),
)  # fmt: skip
