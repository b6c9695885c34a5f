"""Settings of a stack with the limits of its product, checked together before any resource exists (S06, Y02). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.catalog.names import LONGEST_STACK_NAME
from infra.catalog.units import GIBIBYTE
from infra.settings.environment import Environment
from infra.settings.errors import SettingsError, Wrong
from infra.settings.stack import DEFAULT_PRODUCT, NAMESPACE, StackSettings, checked, from_config
from infra.settings.value_types import memory_bytes
from stacks.products.registry import PRODUCTS
from stacks.specs.limits import ScaleLimits


def stack_of(product: str, environment: Environment) -> str:
    """Name of a product's stack: the default product's are called as their environments."""
    return environment.value if product == DEFAULT_PRODUCT else f"{product}-{environment.value}"


def parse(stack: str, values: Mapping[str, object]) -> StackSettings:
    """The settings of a stack file's ``contentgen:`` values.

    Raises SettingsError with every wrong value: the key, the value got and what is allowed; limits are checked
    even where something else in the file is wrong.
    """
    settings, wrong = checked(values)
    wrong += _name_too_long(stack, values)
    wrong += _product(values)
    wrong += _beyond_limits(values)
    if wrong or settings is None:
        raise SettingsError(f"Pulumi.{stack}.yaml", tuple(wrong))
    return settings


def parse_config(stack: str, config: Mapping[str, str]) -> StackSettings:
    """The same from what the engine hands to a program: text, with mappings and lists as JSON."""
    return parse(stack, from_config(config))


def _name_too_long(stack: str, values: Mapping[str, object]) -> list[Wrong]:
    blueprint = PRODUCTS.get(str(values.get("product", DEFAULT_PRODUCT)))
    prefix = blueprint.prefix(stack) if blueprint else stack
    if len(prefix) <= LONGEST_STACK_NAME:
        return []
    allowed = f"must have at most {LONGEST_STACK_NAME} characters, or names in AWS would be too long; rename the stack"
    return [Wrong("stack", stack, allowed)]


def _product(values: Mapping[str, object]) -> list[Wrong]:
    """An unknown product, or one that has no such environment."""
    name, environment = values.get("product", DEFAULT_PRODUCT), str(values.get("environment"))
    if not isinstance(name, str):
        return []
    if name not in PRODUCTS:
        return [Wrong(f"{NAMESPACE}:product", name, f"must be one of {', '.join(PRODUCTS)}")]
    environments = PRODUCTS[name].environments
    if environment in set(Environment) and environment not in environments:
        return [Wrong(f"{NAMESPACE}:environment", environment, f"must be one of {name}'s: {', '.join(environments)}")]
    return []


def _beyond_limits(values: Mapping[str, object]) -> list[Wrong]:
    blueprint = PRODUCTS.get(str(values.get("product", DEFAULT_PRODUCT)))
    if blueprint is None:
        return []
    limits = blueprint.limits
    services, postgres, budget = values.get("services"), values.get("postgres"), values.get("budget")
    wrong: list[Wrong] = []
    if isinstance(services, Mapping):
        for name, service in services.items():
            wrong += _service_beyond(str(name), service, limits)
    if isinstance(postgres, Mapping):
        for field, limit in (("storage_gb", limits.storage_gb), ("max_connections", limits.database_connections)):
            value = postgres.get(field)
            if isinstance(value, int) and value > limit:
                wrong.append(Wrong(f"{NAMESPACE}:postgres.{field}", value, f"must be at most {limit} (Y02)"))
    regions = values.get("regions")
    if isinstance(budget, Mapping) and isinstance(regions, Sequence):
        money, most = budget.get("monthly_usd"), limits.monthly_usd * len(regions)
        if isinstance(money, int) and money > most:
            allowed = f"must be at most {most}: {limits.monthly_usd} a region (M01)"
            wrong.append(Wrong(f"{NAMESPACE}:budget.monthly_usd", money, allowed))
    return wrong


def _service_beyond(name: str, service: object, limits: ScaleLimits) -> list[Wrong]:
    key = f"{NAMESPACE}:services.{name}"
    if name not in limits.instances:
        return [Wrong(key, name, f"allowed services are {', '.join(limits.instances)}")]
    if not isinstance(service, Mapping):
        return []
    wrong: list[Wrong] = []
    # A minimum alone lifts the maximum with it, so both ends are held.
    for end in ("minimum", "maximum"):
        instances = service.get(end)
        if isinstance(instances, int) and instances > limits.instances[name]:
            allowed = f"must be at most {limits.instances[name]}, the limit of {name} (Y02)"
            wrong.append(Wrong(f"{key}.{end}", instances, allowed))
    memory = service.get("memory")
    if isinstance(memory, str) and (memory_bytes(memory) or 0) > limits.memory_bytes:
        allowed = f"must be at most {limits.memory_bytes // GIBIBYTE}Gi an instance (Y02)"
        wrong.append(Wrong(f"{key}.memory", memory, allowed))
    return wrong
