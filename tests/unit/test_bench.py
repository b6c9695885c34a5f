"""Basis of the benchmarks: the flat program has the same graph, and a cut run loses nothing it measured."""

from __future__ import annotations

import base64
from pathlib import Path

from tests.bench.document import Section, put
from tests.bench.flat import flatten
from tests.bench.scale import Reading, told

PROVIDER = "urn:pulumi:prod::contentgen::pulumi:providers:kubernetes::kubernetes-us-east-1::id"
ADDRESS = "primary-1a2b3c4.rds.example.com"
DEPLOYMENT = {
    "deployment": {
        "resources": [
            {"urn": "u::parent", "type": "contentgen:it:Parent", "dependencies": ["u::t::first"]},
            {
                "urn": "u::t::first",
                "type": "aws:rds/instance:Instance",
                "custom": True,
                "id": "db-123456789",
                "inputs": {"engine": "postgres", "__defaults": []},
                "outputs": {"address": ADDRESS},
            },
            {
                "urn": "u::t::second",
                "type": "kubernetes:core/v1:Secret",
                "custom": True,
                "id": "contentgen/second",
                "parent": "u::parent",
                "provider": PROVIDER,
                "inputs": {
                    "metadata": {"name": "second-abc", "annotations": {"pulumi.com/autonamed": "true"}},
                    "data": {"url": base64.b64encode(f"postgresql://{ADDRESS}:5432/x".encode()).decode()},
                },
                "outputs": {"metadata": {"name": "second-abc"}},
            },
        ]
    }
}


def test_the_flat_program_waits_for_what_its_component_waited_for_and_refers_instead_of_repeating() -> None:
    first, second = flatten(DEPLOYMENT)
    assert (first.after, second.after) == ((), (0,))
    assert second.cluster == "us-east-1"
    assert second.inputs == {
        "metadata": {"annotations": {}},
        "stringData": {"url": {"$join": ["postgresql://", {"$from": [0, "address"]}, ":5432/x"]}},
    }


def test_a_section_takes_the_place_of_the_one_before_and_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    for title, value in (("One", "1"), ("Two", "2"), ("One", "3")):
        put(path, Section(title, "How.", ("what", "time"), (("x", value),)))
    text = path.read_text()
    assert text.index("## One") < text.index("## Two")
    assert "| x | 3 |" in text
    assert "| x | 1 |" not in text
    assert "| x | 2 |" in text
    assert text.count("# Benchmarks") == 1


def test_growth_is_told_beside_that_of_the_resources_and_drawn() -> None:
    def reading(regions: int, services: int, factor: float) -> Reading:
        ours = {"first up": 10.0 * factor, "no-op preview": 2.0 * factor, "no-op up": 3.0 * factor}
        return Reading(regions, services, int(40 * factor), ours, {key: one / 1.25 for key, one in ours.items()})

    readings = [reading(1, 1, 0.5), reading(1, 5, 1), reading(1, 20, 4), reading(2, 5, 2), reading(3, 5, 3)]
    found = told(readings)
    assert readings[0].row() == (
        "1",
        "1",
        "20",
        *("5.0 s / 4.0 s = 1.25", "1.0 s / 0.8 s = 1.25", "1.5 s / 1.2 s = 1.25"),
    )
    assert "From 1 x 5 to 1 x 20 services the resources grow by 4.0, the times by: first up 4.0" in found.text
    assert "From 1 x 5 to 3 x 5 services the resources grow by 3.0" in found.text
    assert 'x-axis "services" [1, 5, 20]' in found.text
    assert "line [5.0, 10.0, 40.0]" in found.text
