"""The JSON Schema of a stack file, so that editors complete keys, show what they mean and mark what is wrong.

It is made from the settings model and the products' limits. What a schema cannot say (that a minimum is not above its
maximum, how much memory is) the model still refuses.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from infra.catalog.regions import BY_CODE
from infra.settings.stack import NAMESPACE, StackSettings
from stacks.products.registry import PRODUCTS
from stacks.specs.limits import ScaleLimits

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | int | bool | None"
Node: TypeAlias = dict[str, Json]

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""The newest draft that editors' YAML support knows in full."""
PROVIDER_KEYS: Final = "^(aws|kubernetes|random|pulumi):"
ENGINE_KEYS: Final = {
    "encryptionsalt": "salt of the passphrase that secures this stack's secrets",
    "encryptedkey": "data key of this stack's secrets, encrypted by the secrets provider",
    "secretsprovider": "where the key of this stack's secrets is kept, such as awskms://alias/name",
}


def stack_file_schema() -> Node:
    """The schema of a whole Pulumi.<stack>.yaml."""
    model: Node = _without_noise(StackSettings.model_json_schema())
    settings = node(model["properties"])
    settings["regions"] = {**node(settings["regions"]), "items": {"enum": list(BY_CODE)}, "uniqueItems": True}
    settings["product"] = {**node(settings["product"]), "enum": list(PRODUCTS)}
    settings["clusters"] = {**node(settings["clusters"]), "propertyNames": {"enum": list(BY_CODE)}}
    required = model["required"]
    config: Node = {
        "description": "settings of the stack; docs/settings.md explains each",
        "type": "object",
        "properties": {f"{NAMESPACE}:{name}": value for name, value in settings.items()},
        "patternProperties": {PROVIDER_KEYS: {"description": "a provider's own key; may be a secure value"}},
        "additionalProperties": False,
        "required": [f"{NAMESPACE}:{name}" for name in required] if isinstance(required, list) else [],
        "allOf": [_limited(product, one.limits) for product, one in PRODUCTS.items()],
    }
    engine: Node = {key: {"type": "string", "description": text} for key, text in ENGINE_KEYS.items()}
    return {
        "$schema": DRAFT,
        "title": "Stack file of contentgen",
        "type": "object",
        "properties": {"config": config, **engine},
        "additionalProperties": False,
        "required": ["config"],
        "$defs": model["$defs"],
    }


def node(value: Json) -> Node:
    """A part of a schema that is a mapping; every part that is looked into is one."""
    if not isinstance(value, dict):
        raise TypeError(f"a schema has {value!r} where a mapping belongs")
    return value


def _limited(product: str, limits: ScaleLimits) -> Node:
    """The limits of one product; a file that names no product means the default one."""
    services: Node = {
        name: {
            "allOf": [{"$ref": "#/$defs/ServiceSettings"}],
            "properties": {"minimum": {"maximum": most}, "maximum": {"maximum": most}},
        }
        for name, most in limits.instances.items()
    }
    postgres: Node = {
        "storage_gb": {"maximum": limits.storage_gb},
        "max_connections": {"maximum": limits.database_connections},
    }
    key = f"{NAMESPACE}:product"
    default = StackSettings.model_fields["product"].default
    chosen: Node = {"properties": {key: {"const": product}}}
    return {
        "if": chosen if product == default else {**chosen, "required": [key]},
        "then": {
            "properties": {
                f"{NAMESPACE}:services": {"properties": services, "additionalProperties": False},
                f"{NAMESPACE}:postgres": {"properties": postgres},
            }
        },
    }


def _without_noise(schema: Node) -> Node:
    """Without titles, which only repeat names, and without the empty defaults that a profile fills."""
    kept: Node = {}
    for key, value in schema.items():
        if key == "title" or (key == "default" and not isinstance(value, str | int)):
            continue
        if key in ("properties", "$defs"):
            kept[key] = {name: _without_noise(node(one)) for name, one in node(value).items()}
        elif isinstance(value, dict):
            kept[key] = _without_noise(value)
        elif isinstance(value, list):
            kept[key] = [_without_noise(one) if isinstance(one, dict) else one for one in value]
        else:
            kept[key] = value
    return kept
