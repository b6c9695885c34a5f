"""What the benchmarks stand on: the flat program has the same graph, and a cut run loses nothing it measured."""

from __future__ import annotations

import base64
from pathlib import Path

from tests.bench.document import Section, put
from tests.bench.flat import flatten

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
