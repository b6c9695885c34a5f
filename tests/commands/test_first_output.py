"""The first line comes before anything that takes time."""

from __future__ import annotations

import shutil
import subprocess

from ops.checkout import CHECKOUT


def test_make_up_names_the_stack_before_the_command_that_imports_for_a_second() -> None:
    make = shutil.which("make")
    assert make is not None
    listed = subprocess.run(
        [make, "--no-print-directory", "-n", "up", "STACK=prod"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    steps = [line for line in listed if "bootstrap.py" not in line]
    assert steps[0] == 'echo "deploying prod onto the embedded cloud"'
    assert steps[1].startswith(".venv/bin/contentgen up --stack prod")
