"""Two thousand stack files with mistakes: each one is refused in words, or what it declares can be deployed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.settings.errors import SettingsError, Wrong
from infra.settings.stack import StackSettings
from localcloud.aws.types import TYPES
from localcloud.provider.check import Naming, filled, problems
from ops.stack_files import read
from stacks.plan import plan
from stacks.stack_files import parse
from stacks.validation import require_valid
from tests.unit.engine import RecordingEngine
from tests.unit.kubernetes_schemas import validate
from tests.unit.mutated_files import mutated
from tests.unit.program import ROOT, declared
from tests.unit.test_manifests import built_in

FILES = 2000
BATCHES = 40


def settings_of(number: int) -> StackSettings | SettingsError:
    """Settings of a file, or its refusal before anything is declared; any other exception is a defect."""
    file = mutated(number)
    try:
        settings = parse(file.stack, file.values)
        require_valid(plan(file.stack, settings), embedded=True)
    except SettingsError as error:
        return error
    return settings


def aws_problems(engine: RecordingEngine) -> Iterator[str]:
    """Problems that the embedded AWS refuses."""
    for one in engine.resources:
        if one.custom and one.type in TYPES:
            resource = TYPES[one.type]
            inputs = filled(resource, one.inputs, {}, Naming(one.name, b"seed"))
            yield from (f"{one.name}: {found.property}: {found.reason}" for found in problems(resource, inputs))


@pytest.mark.requirement("S06")
@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_file_with_mistakes_is_refused_in_words_or_can_be_deployed(batch: int) -> None:
    accepted = 0
    for number in range(batch, FILES, BATCHES):
        file, found = mutated(number), settings_of(number)
        if isinstance(found, SettingsError):
            assert found.wrong, file
            assert str(found).startswith(f"Pulumi.{file.stack}.yaml: "), file
            for wrong in found.wrong:
                assert in_words(wrong), (file.mistakes, wrong)
            continue
        accepted += 1
        engine = declared(file.stack, found)
        assert list(aws_problems(engine)) == [], file
        for one in built_in(engine):
            validate(one.inputs)
    assert 0 < accepted < FILES / BATCHES


def test_the_embedded_aws_is_asked_about_every_kind_of_resource_that_a_stack_has() -> None:
    engine = declared("prod", read(ROOT, "prod"))
    asked = {one.type for one in engine.resources if one.custom and one.type.startswith("aws:")}
    assert asked and asked <= set(TYPES)


def in_words(wrong: Wrong) -> bool:
    """True if an error names the key, and says what is allowed in more than a validator's own code."""
    return wrong.key.startswith("contentgen") and len(wrong.allowed.split()) > 1 and "\n" not in str(wrong)
