"""Declared AWS resources as CloudFormation templates, one a region, for judges that read those.

A property keeps its name but for the first letter; what is called otherwise stands in RENAMED, what CloudFormation has
no word for in DROPPED. A property in neither is an unknown one there, and the judge says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from tests.unit.cloudformation_names import BUCKET_PARTS, DROPPED, FILLED_IN, RENAMED, TYPES
from tests.unit.engine import Declared, Json

ACCOUNT: Final = "123456789012"
GLOBAL_REGION: Final = "us-east-1"
KEY_ID: Final = "1234abcd-12ab-34cd-56ef-1234567890ab"
MERGED: Final = frozenset(
    {*BUCKET_PARTS, "aws:kms/keyPolicy:KeyPolicy", "aws:secretsmanager/secretVersion:SecretVersion"}
)
POLICIES: Final = frozenset({"policy", "assumeRolePolicy"})

Template = dict[str, Json]


def templates(resources: Iterable[Declared]) -> dict[str, Template]:
    """A template for each region."""
    declared = [one for one in resources if one.type.startswith("aws:") and one.custom]
    names = {one.name: one for one in declared}
    found: dict[str, dict[str, Json]] = {}
    for one in declared:
        if one.type in MERGED:
            continue
        region = str(one.at("region") or GLOBAL_REGION)
        properties = _properties(one, names)
        for part in (other for other in declared if other.type in MERGED and _belongs(other, one)):
            properties |= _part(part, names)
        found.setdefault(region, {})[_logical(one)] = {"Type": TYPES[one.type], "Properties": properties}
    return {region: {"AWSTemplateFormatVersion": "2010-09-09", "Resources": listed} for region, listed in found.items()}


def _logical(one: Declared) -> str:
    return re.sub(r"\W", "", f"{one.name.title()}{one.type.rpartition(':')[2]}".replace("-", ""))


def _belongs(part: Declared, owner: Declared) -> bool:
    said = {str(part.at(key)) for key in ("bucket", "keyId", "secretId")}
    kinds = {"s3/bucket:Bucket": "s3/", "kms/key:Key": "kms/", "secretsmanager/secret:Secret": "secretsmanager/"}
    prefix = kinds.get(owner.type.removeprefix("aws:"))
    ids = {f"{owner.name}-id", f"{owner.name}-bucket", f"{owner.name}-key", f"arn:aws:mock:::{owner.name}"}
    return prefix is not None and part.type.removeprefix("aws:").startswith(prefix) and bool(said & ids)


def _properties(one: Declared, names: Mapping[str, Declared]) -> dict[str, Json]:
    special = _SPECIAL.get(one.type)
    given = {**FILLED_IN.get(one.type, {}), **one.inputs}
    inputs = {key: value for key, value in given.items() if not _left_out(one.type, key)}
    real = {key: _real(value, names, region=str(one.at("region") or GLOBAL_REGION)) for key, value in inputs.items()}
    if special is not None:
        return special(real)
    renamed = RENAMED.get(one.type, {})
    return {renamed.get(key, _pascal(key)): _value(one.type, key, value) for key, value in real.items()}


def _left_out(type_: str, key: str) -> bool:
    return key in {"region", "tagsAll", "forceDestroy", *DROPPED.get(type_, ())}


def _part(part: Declared, names: Mapping[str, Declared]) -> dict[str, Json]:
    real = {
        key: _real(value, names, region=str(part.at("region") or GLOBAL_REGION))
        for key, value in part.inputs.items()
        if key not in ("bucket", "region", "keyId", "secretId")
    }
    if part.type == "aws:kms/keyPolicy:KeyPolicy":
        return {"KeyPolicy": json.loads(str(real["policy"]))}
    if part.type == "aws:secretsmanager/secretVersion:SecretVersion":
        return {"SecretString": real["secretString"]}
    name, inner = BUCKET_PARTS[part.type]
    match part.type.rpartition(":")[2]:
        case "BucketServerSideEncryptionConfiguration":
            return {name: {"ServerSideEncryptionConfiguration": [_encryption(rule) for rule in _list(real["rules"])]}}
        case "BucketLifecycleConfiguration":
            return {name: {"Rules": [_lifecycle(rule) for rule in _list(real["rules"])]}}
        case "BucketOwnershipControls":
            return {name: {"Rules": [_deep(real["rule"])]}}
        case "BucketLogging":
            return {name: {"DestinationBucketName": real["targetBucket"], "LogFilePrefix": real["targetPrefix"]}}
        case "BucketObjectLockConfiguration":
            locked: Json = {"ObjectLockEnabled": "Enabled", "Rule": _deep(real["rule"])}
            return {name: locked, "ObjectLockEnabled": True}
        case _:
            return {name: _deep(real[inner] if inner else real)}


def _encryption(rule: Json) -> Json:
    default = _object(_object(rule)["applyServerSideEncryptionByDefault"])
    renamed = {"SSEAlgorithm": default["sseAlgorithm"]}
    if default.get("kmsMasterKeyId"):
        renamed["KMSMasterKeyID"] = default["kmsMasterKeyId"]
    return {"BucketKeyEnabled": _object(rule)["bucketKeyEnabled"], "ServerSideEncryptionByDefault": renamed}


def _lifecycle(rule: Json) -> Json:
    given = _object(rule)
    found: dict[str, Json] = {"Id": given["id"], "Status": given["status"]}
    if prefix := _object(given.get("filter", {})).get("prefix"):
        found["Prefix"] = prefix
    if "expiration" in given:
        found["ExpirationInDays"] = _object(given["expiration"])["days"]
    if "noncurrentVersionExpiration" in given:
        found["NoncurrentVersionExpiration"] = _deep(given["noncurrentVersionExpiration"])
    if "abortIncompleteMultipartUpload" in given:
        found["AbortIncompleteMultipartUpload"] = _deep(given["abortIncompleteMultipartUpload"])
    return found


def _value(type_: str, key: str, value: Json) -> Json:
    match key:
        case "tags":
            return [{"Key": name, "Value": one} for name, one in _object(value).items()]
        case _ if key in POLICIES:
            return json.loads(str(value))
        case "dimensions":
            return [{"Name": name, "Value": one} for name, one in _object(value).items()]
        case "parameters":
            return {str(_object(one)["name"]): _object(one)["value"] for one in _list(value)}
        case "allocatedStorage":
            return str(value)
        case "bucket" if type_ == "aws:s3/bucketPolicy:BucketPolicy":
            return value
        case _:
            return _deep(value)


def _budget(real: Mapping[str, Json]) -> dict[str, Json]:
    notices: list[Json] = []
    for notice in map(_object, _list(real["notifications"])):
        mails = [{"SubscriptionType": "EMAIL", "Address": one} for one in _list(notice.get("subscriberEmailAddresses"))]
        topics = [{"SubscriptionType": "SNS", "Address": one} for one in _list(notice.get("subscriberSnsTopicArns"))]
        plain = ("notificationType", "threshold", "thresholdType", "comparisonOperator")
        notices.append({"Notification": {_pascal(key): notice[key] for key in plain}, "Subscribers": [*mails, *topics]})
    filters = {str(_object(one)["name"]): _object(one)["values"] for one in _list(real.get("costFilters"))}
    limit: Json = {"Amount": float(str(real["limitAmount"])), "Unit": real["limitUnit"]}
    budget: dict[str, Json] = {"BudgetType": real["budgetType"], "TimeUnit": real["timeUnit"], "BudgetLimit": limit}
    if filters:
        budget["CostFilters"] = filters
    return {"Budget": budget, "NotificationsWithSubscribers": notices}


def _health_check(real: Mapping[str, Json]) -> dict[str, Json]:
    renamed = {"fqdn": "FullyQualifiedDomainName", "ipAddress": "IPAddress"}
    config = {renamed.get(key, _pascal(key)): value for key, value in real.items() if key != "tags"}
    return {"HealthCheckConfig": config, "HealthCheckTags": _value("", "tags", real.get("tags", {}))}


def _zone(real: Mapping[str, Json]) -> dict[str, Json]:
    return {"Name": real["name"], "HostedZoneConfig": {"Comment": real["comment"]}}


def _record(real: Mapping[str, Json]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    renamed = RENAMED["aws:route53/record:Record"]
    for key, value in real.items():
        match key:
            case "aliases":
                (alias,) = map(_object, _list(value))
                found["AliasTarget"] = {
                    "DNSName": alias["name"], "HostedZoneId": alias["zoneId"],
                    "EvaluateTargetHealth": alias["evaluateTargetHealth"],
                }  # fmt: skip
            case "geolocationRoutingPolicies":
                places = {"country": "CountryCode", "continent": "ContinentCode"}
                found["GeoLocation"] = {places[name]: one for name, one in _object(_list(value)[0]).items()}
            case "failoverRoutingPolicies":
                found["Failover"] = _object(_list(value)[0])["type"]
            case "latencyRoutingPolicies":
                found["Region"] = _object(_list(value)[0])["region"]
            case "ttl":
                found["TTL"] = str(value)
            case _:
                found[renamed.get(key, _pascal(key))] = value
    return found


def _topic_policy(real: Mapping[str, Json]) -> dict[str, Json]:
    return {"Topics": [real["arn"]], "PolicyDocument": json.loads(str(real["policy"]))}


_SPECIAL: Final[Mapping[str, Callable[[Mapping[str, Json]], dict[str, Json]]]] = {
    "aws:budgets/budget:Budget": _budget,
    "aws:route53/healthCheck:HealthCheck": _health_check,
    "aws:route53/record:Record": _record,
    "aws:route53/zone:Zone": _zone,
    "aws:sns/topicPolicy:TopicPolicy": _topic_policy,
}


def _real(value: Json, names: Mapping[str, Declared], *, region: str) -> Json:
    """With identifiers as AWS makes them in the place of the recording engine's."""
    match value:
        case dict():
            return {key: _real(one, names, region=region) for key, one in value.items()}
        case list():
            return [_real(one, names, region=region) for one in value]
        case str():
            named = re.sub(r"arn:aws:mock:::([\w-]+)", lambda found: _arn(found[1], names, region), value)
            for empty, full in (
                ("iam:::root", f"iam::{ACCOUNT}:root"),
                (f"{region}::trail", f"{region}:{ACCOUNT}:trail"),
            ):
                named = named.replace(empty, full)
            return _identifier(named.replace('"aws:SourceAccount": ""', f'"aws:SourceAccount": "{ACCOUNT}"'), names)
        case _:
            return value


def _arn(name: str, names: Mapping[str, Declared], region: str) -> str:
    own = names[name]
    place = str(own.at("region") or region)
    match own.type.split(":")[1].partition("/")[0]:
        case "iam":
            return f"arn:aws:iam::{ACCOUNT}:role/{name}"
        case "s3":
            return f"arn:aws:s3:::{name}"
        case "kms":
            return f"arn:aws:kms:{place}:{ACCOUNT}:key/{KEY_ID}"
        case service:
            return f"arn:aws:{service}:{place}:{ACCOUNT}:{name}"


def _identifier(value: str, names: Mapping[str, Declared]) -> str:
    for ending in ("-id", "-key", "-zone"):
        owner = names.get(value.removesuffix(ending)) if value.endswith(ending) else None
        kind = owner.type if owner is not None else ""
        match kind, ending:
            case "aws:ec2/securityGroup:SecurityGroup", "-id":
                return "sg-0123456789abcdef0"
            case "aws:kms/key:Key", "-key" | "-id":
                return KEY_ID
            case "aws:route53/zone:Zone", "-zone":
                return "Z0123456789ABCDEFGHIJ"
            case "aws:route53/healthCheck:HealthCheck", "-id":
                return KEY_ID
            case "aws:s3/bucket:Bucket", "-id":
                return value.removesuffix("-id")
            case _:
                pass
    return value


def _deep(value: Json) -> Json:
    match value:
        case dict():
            return {_pascal(key): _deep(one) for key, one in value.items()}
        case list():
            return [_deep(one) for one in value]
        case _:
            return value


def _pascal(key: str) -> str:
    return key[:1].upper() + key[1:]


def _object(value: Json) -> dict[str, Json]:
    assert isinstance(value, dict), value
    return value


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
