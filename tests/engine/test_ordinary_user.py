"""A person who is not root: a fresh clone, README's commands, umask 077, nothing writable but the home (S01).

Where the tests run as root the person is made for them; tools that were built before are copied, so that nothing is
built for half an hour. Python's packages are installed as on any new machine.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from localcloud.cloudfile import CloudFile
from localcloud.paths import cache_root
from localcloud.toolchain.origin import ensure
from tests.engine.checkout import copied
from tests.engine.world import TOPIC, finished_job

COMMAND_SECONDS = 900
BUILT = ("toolchain", "libfaketime-debian", "pgbouncer-debian", "redis-debian", "postgres-*")
SEARCHED = "/usr/local/bin:/usr/bin:/bin"
OLDEST = "import sys; sys.exit(sys.version_info < (3, 11))"


@dataclass(frozen=True)
class Person:
    """Somebody with a clone of this checkout in their home. ``prefix`` is what makes root become them."""

    prefix: tuple[str, ...]
    home: Path
    python: str

    @property
    def checkout(self) -> Path:
        return self.home / "contentgen"

    def environment(self) -> Mapping[str, str]:
        """Their own home, and none of what this machine's owner set for the project or for a cloud."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CONTENTGEN_", "XDG_"))}
        return {**kept, "HOME": str(self.home), "PATH": SEARCHED, "NO_COLOR": "1"}

    def make(self, *arguments: str) -> str:
        """``make ...`` to its end with umask 077; what it printed. Fails where it fails."""
        command = ["sh", "-c", 'umask 077; exec make "$@"', "sh", *arguments, f"PYTHON={self.python}"]
        done = subprocess.run(
            [*self.prefix, *command],
            cwd=self.checkout,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    def cloud(self, stack: str) -> CloudFile:
        (file,) = (self.home / ".local" / "state" / "contentgen").glob(f"*/{stack}/cloud.json")
        return CloudFile.read(file)

    def token(self, stack: str) -> dict[str, str]:
        command = [".venv/bin/contentgen", "token", "--stack", stack, "--client", str(TOPIC["client_id"])]
        done = subprocess.run(
            [*self.prefix, *command],
            cwd=self.checkout,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return {"Authorization": f"Bearer {done.stdout.strip()}"}


@pytest.fixture(scope="module")
def person() -> Iterator[Person]:
    ensure(print)
    name = f"contentgen-{uuid4().hex[:8]}"
    home = Path("/var/tmp") / name
    root = os.geteuid() == 0
    if root:
        subprocess.run([program("useradd"), "--create-home", "--home-dir", str(home), name], check=True)
    else:
        home.mkdir(mode=0o700)
    prefix = (program("runuser"), "-u", name, "--") if root else ()
    try:
        made = Person(prefix, home, interpreter(prefix))
        clone(made)
        if root:
            owner = pwd.getpwnam(name)
            for path in (home, *home.rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
        yield made
        made.make("down")
    finally:
        if root:
            _, left = psutil.wait_procs(alive(name), timeout=30)
            assert left == [], "processes of this person that do not end"
            # Forced, because what has ended stays in the list of processes where nobody asks for its exit status.
            subprocess.run([program("userdel"), "--force", name], check=True)
        shutil.rmtree(home)


def alive(name: str) -> list[psutil.Process]:
    """The processes of a person, without those that have ended and whose exit status nobody has read."""
    found = psutil.process_iter(["username", "status"])
    return [one for one in found if one.info["username"] == name and one.info["status"] != psutil.STATUS_ZOMBIE]


def program(name: str) -> str:
    found = shutil.which(name, path=f"{SEARCHED}:/usr/sbin:/sbin")
    assert found is not None, f"{name} is not installed; fix: install the distribution's package that has it"
    return found


def interpreter(prefix: tuple[str, ...]) -> str:
    """A Python new enough that this person may run; that of the tests may lie in somebody else's home."""
    names = (sys.executable, *(shutil.which(f"python3{minor}", path=SEARCHED) for minor in ("", ".13", ".12", ".11")))
    for name in filter(None, names):
        tried = subprocess.run([*prefix, os.path.realpath(name), "-c", OLDEST], capture_output=True, check=False)
        if tried.returncode == 0:
            return os.path.realpath(name)
    pytest.fail(f"no Python 3.11 or newer in {SEARCHED} that an ordinary user may run; fix: install python3")


def clone(person: Person) -> None:
    """This checkout as it stands, committed or not, and what was built for it on this machine."""
    copied(person.checkout)
    cache = person.home / ".cache" / "contentgen"
    for pattern in BUILT:
        for source in cache_root().glob(pattern):
            shutil.copytree(source, cache / source.name, symlinks=True)


def test_local_goes_up_works_has_no_drift_and_comes_down(person: Person) -> None:
    said = person.make("up")
    url = person.cloud("local").regions[0].url
    assert f"{url}/    the page, in a browser" in said
    assert "<title>Content generation</title>" in httpx.get(url).text
    assert finished_job(url)["status"] == "completed"
    assert "no drift" in person.make("drift").lower()
    assert "is gone: no process, port or file of it is left" in person.make("down")


def test_production_goes_up_in_three_regions_works_and_comes_down(person: Person) -> None:
    person.make("up", "STACK=prod")
    session = person.token("prod")
    for region in person.cloud("prod").regions:
        assert finished_job(region.url, session=session)["status"] == "completed"
    assert "is gone: no process, port or file of it is left" in person.make("down", "STACK=prod")


def test_nothing_of_this_person_runs_on_when_the_stacks_are_down(person: Person) -> None:
    running = [" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])]
    assert [command for command in running if str(person.home) in command] == []
