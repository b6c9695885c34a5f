"""Route 53 records: simple, alias, and the routing policies, with the rules AWS has and moto lacks (G02)."""

from __future__ import annotations

import re
import threading

from localcloud.aws.route53_policies import (
    MULTIVALUE,
    POLICIES,
    RECORD_TYPES,
    clashes,
    record_problems,
)
from localcloud.aws.scope import Aws
from localcloud.provider.block import Block
from localcloud.provider.resource import (
    AlreadyThere,
    Created,
    ProviderError,
    ResourceType,
)
from localcloud.provider.values import Properties

NO_ZONE = frozenset({"NoSuchHostedZone"})
NO_RECORD = frozenset({"InvalidChangeBatch", "NoSuchHostedZone"})
_ID = re.compile(rf"(?P<zone>[^_]+)_(?P<name>.+?)_(?P<type>{'|'.join(RECORD_TYPES)})(?:_(?P<set>.+))?")
_zone_locks: dict[str, threading.Lock] = {}


def _name(record: Block) -> str:
    return record.text("Name").rstrip(".").replace("\\052", "*")


def _zone_name(aws: Aws, zone_id: str) -> str:
    return aws.call("route53", "get_hosted_zone", Id=zone_id).block("HostedZone").text("Name").rstrip(".")


def _full_name(aws: Aws, inputs: Block) -> str:
    """The name with the zone's, as Route 53 stores it: a bare label is completed, as the official provider does."""
    name = inputs.text("name").rstrip(".").lower()
    zone = _zone_name(aws, inputs.text("zoneId"))
    if name == zone or name.endswith(f".{zone}"):
        return name
    return f"{name}.{zone}" if name else zone


def _record_set(full_name: str, inputs: Block) -> Properties:
    record: Properties = {"Name": full_name, "Type": inputs.text("type")}
    if inputs.has("records"):
        record["TTL"] = inputs.number("ttl")
        record["ResourceRecords"] = [{"Value": _quoted(inputs, value)} for value in inputs.texts("records")]
    for alias in inputs.blocks("aliases"):
        record["AliasTarget"] = {
            "HostedZoneId": alias.text("zoneId"),
            "DNSName": alias.text("name"),
            "EvaluateTargetHealth": alias.flag("evaluateTargetHealth"),
        }
    for policy in POLICIES:
        if (value := policy.declared(inputs)) is not None:
            record[policy.field] = value
    if inputs.flag("multivalueAnswerRoutingPolicy"):
        record[MULTIVALUE] = True
    return {**record, **inputs.renamed({"setIdentifier": "SetIdentifier", "healthCheckId": "HealthCheckId"})}


def _quoted(inputs: Block, value: str) -> str:
    """TXT values travel in quotes; the program writes them without."""
    return f'"{value}"' if inputs.text("type") in ("TXT", "SPF") and not value.startswith('"') else value


def _records(aws: Aws, zone_id: str, full_name: str) -> list[Block]:
    """Every record of one name; the listing starts there and is in name order."""
    answer = aws.find(
        NO_ZONE, "route53", "list_resource_record_sets", HostedZoneId=zone_id, StartRecordName=full_name, MaxItems="300"
    )
    return [record for record in answer.blocks("ResourceRecordSets") if _name(record) == full_name] if answer else []


def _refuse_clash(aws: Aws, full_name: str, wanted: Block, zone_id: str, *, changing: str | None) -> None:
    """Refuse a record that conflicts with the others of its zone, as Route 53 does; moto checks none of it."""
    others = [
        other
        for other in _records(aws, zone_id, full_name)
        if changing is None or (other.text("SetIdentifier"), other.text("Type")) != (changing, wanted.text("Type"))
    ]
    alias = wanted.block("AliasTarget")
    targets: list[Block] = []
    if alias.text("HostedZoneId") == zone_id:
        targets = _records(aws, zone_id, alias.text("DNSName").rstrip("."))
    for reason in clashes(wanted, others, alias_targets=targets, zone_id=zone_id, apex=_zone_name(aws, zone_id)):
        mark = " ".join(part for part in (full_name, wanted.text("Type"), wanted.text("SetIdentifier")) if part)
        raise ProviderError(f"route53 record {mark}: InvalidChangeBatch: {reason}")


def _change(aws: Aws, zone_id: str, *changes: tuple[str, Properties]) -> None:
    batch: Properties = {"Changes": [{"Action": action, "ResourceRecordSet": record} for action, record in changes]}
    aws.call("route53", "change_resource_record_sets", HostedZoneId=zone_id, ChangeBatch=batch)


def _lock(zone_id: str) -> threading.Lock:
    """Checking a name and writing to it must not interleave: the engine creates records in parallel."""
    return _zone_locks.setdefault(zone_id, threading.Lock())


def create_record(aws: Aws, inputs: Block) -> Created:
    """Make the record. One that is there already is only overwritten with `allowOverwrite`."""
    zone_id, full_name = inputs.text("zoneId"), _full_name(aws, inputs)
    parts = [zone_id, inputs.text("name").rstrip(".").lower(), inputs.text("type"), inputs.text("setIdentifier")]
    record_id = "_".join(part for part in parts if part)
    wanted = _record_set(full_name, inputs)
    with _lock(zone_id):
        same = _one(_records(aws, zone_id, full_name), inputs)
        if same and not inputs.flag("allowOverwrite"):
            raise AlreadyThere(
                record_id,
                f"route53 record {full_name} {inputs.text('type')} {inputs.text('setIdentifier')} exists already",
            )
        _refuse_clash(aws, full_name, Block(wanted), zone_id, changing=inputs.text("setIdentifier") if same else None)
        _change(aws, zone_id, ("UPSERT" if same else "CREATE", wanted))
    return Created(record_id)


def _one(records: list[Block], inputs: Block) -> Block | None:
    kind, mark = inputs.text("type"), inputs.text("setIdentifier")
    return next((one for one in records if one.text("Type") == kind and one.text("SetIdentifier") == mark), None)


def _identity(record_id: str, known: Block) -> Block:
    """Zone, name, type and set identifier: from the state, or from the id when the record is imported."""
    if known.has("zoneId"):
        return known
    parsed = _ID.fullmatch(record_id)
    if parsed is None:
        raise ProviderError(
            f"route53 record id {record_id!r}; it must be ZONEID_NAME_TYPE or ZONEID_NAME_TYPE_SETIDENTIFIER"
        )
    return Block(
        {"zoneId": parsed["zone"], "name": parsed["name"], "type": parsed["type"], "setIdentifier": parsed["set"]}
    )


def read_record(aws: Aws, record_id: str, known: Block) -> Properties | None:
    """The record as its zone has it."""
    identity = _identity(record_id, known)
    zone_id = identity.text("zoneId")
    if aws.find(NO_ZONE, "route53", "get_hosted_zone", Id=zone_id) is None:
        return None
    full_name = _full_name(aws, identity)
    record = _one(_records(aws, zone_id, full_name), identity)
    if record is None:
        return None
    alias = record.block("AliasTarget")
    return {
        "zoneId": zone_id,
        "name": identity.text("name"),
        "fqdn": full_name,
        "type": record.text("Type"),
        "ttl": record.values.get("TTL"),
        "records": [value.text("Value").strip('"') for value in record.blocks("ResourceRecords")] or None,
        "aliases": [
            {
                "name": alias.text("DNSName").rstrip("."),
                "zoneId": alias.text("HostedZoneId"),
                "evaluateTargetHealth": alias.flag("EvaluateTargetHealth"),
            }
        ]
        if record.has("AliasTarget")
        else None,
        "setIdentifier": record.values.get("SetIdentifier"),
        "healthCheckId": record.values.get("HealthCheckId"),
        "multivalueAnswerRoutingPolicy": record.values.get(MULTIVALUE),
        **{policy.property: policy.read(record) for policy in POLICIES},
    }


def update_record(aws: Aws, _: str, before: Block, after: Block) -> None:
    """Overwrite the record; another type or set identifier is another record, exchanged in one change batch."""
    zone_id, full_name = after.text("zoneId"), _full_name(aws, after)
    wanted = _record_set(full_name, after)
    with _lock(zone_id):
        _refuse_clash(aws, full_name, Block(wanted), zone_id, changing=before.text("setIdentifier"))
        if all(before.text(name) == after.text(name) for name in ("type", "setIdentifier")):
            _change(aws, zone_id, ("UPSERT", wanted))
        else:
            _change(aws, zone_id, ("DELETE", _record_set(full_name, before)), ("CREATE", wanted))


def delete_record(aws: Aws, record_id: str, known: Block) -> None:
    """Route 53 deletes a record only by its exact value, so the value is read first."""
    identity = _identity(record_id, known)
    if aws.find(NO_ZONE, "route53", "get_hosted_zone", Id=identity.text("zoneId")) is None:
        return
    full_name = _full_name(aws, identity)
    with _lock(identity.text("zoneId")):
        found = _one(_records(aws, identity.text("zoneId"), full_name), identity)
        if found is not None:
            _change(aws, identity.text("zoneId"), ("DELETE", dict(found.values)))


TYPES: tuple[ResourceType[Aws], ...] = (
    ResourceType(
        token="aws:route53/record:Record",
        inputs=frozenset(
            {
                *(policy.property for policy in POLICIES),
                "zoneId",
                "name",
                "type",
                "ttl",
                "records",
                "aliases",
                "setIdentifier",
                "healthCheckId",
                "multivalueAnswerRoutingPolicy",
                "allowOverwrite",
            }
        ),
        replace_on=frozenset({"zoneId", "name"}),
        identity=("zoneId", "name", "type", "setIdentifier"),
        problems=record_problems,
        create=create_record,
        read=read_record,
        update=update_record,
        delete=delete_record,
    ),
)
