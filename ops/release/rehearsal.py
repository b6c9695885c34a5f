"""Staging before production: whether the same files run there, and whether its smoke tests pass (requirement L06)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from infra.settings.environment import Environment
from infra.settings.stack import DEFAULT_PRODUCT, StackSettings
from ops import deployment
from ops.checkout import CHECKOUT
from ops.release.process import StepError
from ops.release.record import RecordError, Release, record_of
from ops.release.service import Service
from ops.stack_files import read
from ops.target import Target, real
from stacks.products.registry import PRODUCTS
from stacks.stack_files import stack_of

STAGING: Final = Environment.STAGING.value
"""Staging of the default product, whose image goes on to production."""

HOTFIX_VARIABLE: Final = "HOTFIX"
"""Set by the workflow of a hotfix, which has an approver of its own in place of a stay on staging."""


@dataclass(frozen=True)
class Rehearsal:
    """Each is what speaks against a release to production, or empty."""

    deployed: str = ""
    passed: str = ""


NO_OBJECTION: Final = Rehearsal()


def rehearsal(
    target: Target,
    settings: StackSettings,
    environment: Mapping[str, str],
    same_files: Callable[[str], bool],
    say: Callable[[str], None],
) -> Rehearsal:
    """Asks staging on the real cloud; ``same_files`` is whether a commit has the files of the one that is released.

    Other stacks, a hotfix and a drill on the embedded cloud need no rehearsal, and it is said. A product without a
    staging of its own is held against the default product's: one image has the programs of all.
    """
    if settings.environment is not Environment.PROD:
        return NO_OBJECTION
    if target.engine is not None or environment.get(HOTFIX_VARIABLE):
        say(f"{target.stack}: not asked whether it was on staging first: this is a hotfix, or the embedded cloud")
        return NO_OBJECTION
    product = settings.product if Environment.STAGING in PRODUCTS[settings.product].environments else DEFAULT_PRODUCT
    if product != settings.product:
        say(f"{target.stack}: {settings.product} has no staging; its image is tried on that of {product}")
    staging = real(stack_of(product, Environment.STAGING), environment)
    try:
        rehearsed(staging, same_files)
    except RecordError as error:
        return Rehearsal(str(error), str(error))
    there, addresses = read(CHECKOUT, staging.stack), deployment.addresses_of(staging.stack, on_real=True)
    service = Service.of(staging, there, addresses, say)
    try:
        service.smoke()
    except StepError as error:
        return Rehearsal(passed=f"{staging.stack}: {error}")
    return NO_OBJECTION


def rehearsed(staging: Target, same_files: Callable[[str], bool]) -> Release:
    """The release that staging runs, when it has the files of the one that is released: its image goes to production.

    Raises RecordError when it has others, or none.
    """
    running = record_of(staging).running
    if running is None:
        raise RecordError(f"{staging.stack} has no record of a release")
    if not same_files(running.commit):
        raise RecordError(f"{staging.stack} runs {running.commit[:12]}, whose files are others than this commit's")
    return running
