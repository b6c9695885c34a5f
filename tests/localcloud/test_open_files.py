"""The runner has as many open files as its machine allows, however few it was started with."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
from localcloud.runner.__main__ import raise_file_limit
soft, hard = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
raise_file_limit()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("soft", "hard", "raised"), [(256, 4096, 4096), (1024, 1024, 1024), (3000, 3500, 3500)])
def test_the_limit_becomes_what_the_machine_allows(soft: int, hard: int, raised: int) -> None:
    command = [sys.executable, "-c", SCRIPT, str(soft), str(hard)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(raised), str(hard)]
