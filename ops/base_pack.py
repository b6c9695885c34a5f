"""The policy pack of a pull request's base, beside that of its head: a change is not judged by its own rules alone.

It runs from the base's files, under a name of its own, and everything that it says is advice: the limit that a pull
request raises would otherwise stop the pull request that raises it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ops.report.events import BASE_PACK

ADVISORY: Final = "advisory"
LEVEL: Final = "enforcementLevel"
MANIFEST: Final = """\
description: the policy pack of the base
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: {environment}
main: .
version: 1.0.0
"""
PROGRAM: Final = """\
import sys

sys.path.insert(0, {base!r})

from policies.analyzer import Analyzer
from policies.pack import RULES, VERSION
from policies.serving import serve

serve(Analyzer({name!r}, VERSION, RULES))
"""


def base_pack(base: Path, stack: str, folder: Path) -> tuple[str, ...]:
    """The engine's arguments for the base's pack, which is written into ``folder``; none where the base has no pack or
    does not know the stack.
    """
    configured = base / "policies" / "config" / f"{stack}.json"
    if not configured.exists() or not (base / "policies" / "serving.py").exists():
        return ()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "PulumiPolicy.yaml").write_text(MANIFEST.format(environment=base / ".venv"))
    (folder / "__main__.py").write_text(PROGRAM.format(base=str(base), name=BASE_PACK))
    config = folder / f"{stack}.json"
    config.write_text(json.dumps(as_advice(json.loads(configured.read_text()))))
    return ("--policy-pack", str(folder), "--policy-pack-config", str(config))


def as_advice(config: Mapping[str, object]) -> dict[str, object]:
    """A configuration in which no rule stops anything; what is switched off stays so."""
    found: dict[str, object] = {"all": {LEVEL: ADVISORY}}
    for name, given in config.items():
        values = dict(given) if isinstance(given, Mapping) else {LEVEL: given}
        if values.get(LEVEL) not in (None, "disabled"):
            values[LEVEL] = ADVISORY
        if name != "all" or values.get(LEVEL) == "disabled":
            found[name] = values
    return found
