"""Objects of a control plane before a stack comes."""

from __future__ import annotations

from pathlib import Path

from localcloud.base_objects import definitions

KIND = """
metadata: {name: things.example.com}
spec:
  names: {kind: Thing}
  versions:
    - schema:
        openAPIV3Schema:
          description: What a thing is.
          required: [description]
          properties:
            description: {type: string, description: What is said of it., maxLength: 9}
"""


def test_a_kind_loses_its_texts_and_keeps_every_rule(tmp_path: Path) -> None:
    (tmp_path / "things.yaml").write_text(KIND)
    rules = {"required": ["description"], "properties": {"description": {"type": "string", "maxLength": 9}}}
    assert definitions(tmp_path) == {
        "things.example.com": {
            "metadata": {"name": "things.example.com"},
            "spec": {"names": {"kind": "Thing"}, "versions": [{"schema": {"openAPIV3Schema": rules}}]},
        }
    }
