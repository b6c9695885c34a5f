"""Builds a family's programs from Go modules, once a machine and version, unless its release was fetched.

The result folder is named by content, filled in a temporary folder and renamed into place, so a build that is cut off
leaves nothing that looks whole; the compiler's own cache survives the cut and the next build goes on from it. Module
checksums are verified by go.sum: verification is never switched off.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from localcloud.paths import cache_root
from localcloud.project import project
from localcloud.toolchain import compiler, official
from localcloud.toolchain.choice import BUILT, Record, Way, way, write
from localcloud.toolchain.compiler import Say, ToolchainError
from localcloud.toolchain.family import Family, ModuleFiles, Reduced
from localcloud.toolchain.progress import Progress

MINIMUM_FREE_BYTES = 12 * 2**30
NEVER_COMPILED = ("unsafe",)
"""Part of the language: listed like a package, and never compiled."""


def result_folder(family: Family) -> Path:
    """Folder of the family's tools: its official release if that was fetched and may be used, else its build."""
    release = official.release(family) if way() is not Way.BUILD else None
    if release is not None and (release.folder.is_dir() or way() is Way.OFFICIAL):
        return release.folder
    return build_folder(family)


def build_folder(family: Family) -> Path:
    return cache_root() / "toolchain" / f"{family.name}-{family.key()}"


def is_built(family: Family) -> bool:
    return result_folder(family).is_dir()


def is_being_built(family: Family) -> bool:
    """True if some process of this machine builds it now."""
    return not is_built(family) and compiler.is_locked(lock_of(family))


def ensure(family: Family, say: Say, reason: str = "") -> Path:
    """The folder with the family's ``bin`` and files, built now if this machine has neither its release nor its build.
    The ``reason`` for a build stands in its record.

    Raises ToolchainError with the compiler's last lines when the build fails.
    """
    return result_folder(family) if is_built(family) else built(family, say, reason)


def built(family: Family, say: Say, reason: str = "") -> Path:
    """Its build, whatever release of it there is; otherwise as ``ensure``."""
    target = build_folder(family)
    if target.is_dir():
        return target
    make_cache(target.parent)
    with compiler.only_one(lock_of(family), family.name, say):
        if target.is_dir():
            return target
        _require_space(target.parent)
        say(f"building {family.name} from its Go modules, about {family.minutes:g} min on two cores")
        go = compiler.go_compiler(say)
        # Named like the result, whose lock we hold: what is there is of a build that was killed.
        prefix = f".{target.name}-"
        for left in target.parent.glob(f"{prefix}*"):
            shutil.rmtree(left)
        with compiler.caches_in_use(), tempfile.TemporaryDirectory(prefix=prefix, dir=target.parent) as scratch:
            result = Path(scratch) / "result"
            _build(family, result, go, say)
            write(result, Record(BUILT, reason))
            result.rename(target)
    return target


def fetch_modules(family: Family, say: Say) -> None:
    """Downloads what a build of the family will need, while another one compiles. A failure is left to that build."""
    if not family.packages or is_built(family):
        return
    with compiler.caches_in_use():
        command = [str(compiler.go_compiler(say)), "list", "-e", "-deps", *family.flags(), *family.packages]
        subprocess.run(command, cwd=family.source, env=compiler.go_environment(), capture_output=True, check=False)


def lock_of(family: Family) -> Path:
    """One for both ways, so that two processes never make the same tools."""
    return build_folder(family).with_suffix(".lock")


def make_cache(folder: Path) -> None:
    """Raises ToolchainError where tools cannot be put."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        usable = os.access(folder, os.W_OK)
    except OSError:
        usable = False
    if not usable:
        raise ToolchainError(
            f"{folder} cannot be written to, and tools must be put into it. "
            f"Fix: make it writable, or set {project().variable('CACHE')} to a folder that is."
        )


def _build(family: Family, result: Path, go: Path, say: Say) -> None:
    programs = result / "bin"
    programs.mkdir(parents=True)
    source = result.parent / "source"
    shutil.copytree(family.source, source)
    for files in family.files:
        _copy(files, source, result, go)
    for number, reduced in enumerate(family.reduced):
        _reduce(reduced, source, f"reduced-{number}", go)
    if not family.binaries:
        return
    listed = compiler.run([str(go), "list", "-deps", *family.flags(), *family.packages], source, family.name)
    packages = [package for package in listed.split() if package not in NEVER_COMPILED]
    command = [str(go), "build", "-v", *family.flags(), "-ldflags", family.linker_flags()]
    _compile([*command, "-o", f"{programs}/", *family.packages], source, family.name, packages, say)
    for binary in family.binaries:
        (programs / binary.made_as).rename(programs / binary.name)


def _compile(command: Sequence[str], source: Path, name: str, packages: Sequence[str], say: Say) -> None:
    """The compiler prints each package as it begins with it. The names are kept beside its cache: what an earlier build
    had compiled when it was cut off is not compiled again, and counts.
    """
    record = compiler.build_cache() / f"compiled-{name}.txt"
    before = record.read_text().split() if record.exists() else []
    progress = Progress(name, packages, before, say)
    said: list[str] = []
    with (
        record.open("a") as kept,
        subprocess.Popen(
            command, cwd=source, env=compiler.go_environment(), stderr=subprocess.PIPE, text=True
        ) as running,
    ):
        try:
            for line in running.stderr or ():
                said.append(line.rstrip())
                kept.write(line)
                progress.compiled(line.strip())
        except BaseException:
            running.terminate()
            raise
        finally:
            progress.end()
    if running.returncode != 0:
        known = frozenset(packages)
        raise compiler.failure(name, running.returncode, [line for line in said if line not in known])


def _copy(files: ModuleFiles, source: Path, result: Path, go: Path) -> None:
    module = module_folder(files.module, source, go)
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


def module_folder(name: str, source: Path, go: Path) -> Path:
    """A module's folder, verified by go.sum when it was downloaded."""
    answer = compiler.run([str(go), "mod", "download", "-json", name], source, name)
    return Path(json.loads(answer)["Dir"])


def _reduce(reduced: Reduced, source: Path, name: str, go: Path) -> None:
    """Replaces the module by its reduced copy. Raises ToolchainError where a version has not got what is named."""
    copy = source / name
    shutil.copytree(module_folder(reduced.module, source, go), copy, copy_function=shutil.copyfile)
    files = {path.name: path for path in (copy / reduced.folder).glob("*.go")} if reduced.folder else {}
    if lacking := [name for name in reduced.kept if name not in files]:
        raise _not_as_expected(reduced, ", ".join(lacking))
    for file, path in files.items():
        if file not in reduced.kept:
            path.unlink()
    for cut in reduced.cuts:
        head, found, rest = (copy / cut.file).read_text().partition(cut.after)
        _, found_end, tail = rest.partition(cut.before)
        if not found_end:
            raise _not_as_expected(reduced, f"{cut.after.strip()} and then {cut.before.strip()} in {cut.file}")
        (copy / cut.file).write_text(head + found + cut.instead + found_end + tail)
    compiler.run([str(go), "mod", "edit", "-replace", f"{reduced.module}=./{name}"], source, reduced.module)


def _not_as_expected(reduced: Reduced, wanted: str) -> ToolchainError:
    return ToolchainError(f"module {reduced.module} has not {wanted}; fix: adapt families.py to its version")


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < MINIMUM_FREE_BYTES:
        raise ToolchainError(
            f"{folder} has {free / 2**30:.1f} GiB free; building the tools takes {MINIMUM_FREE_BYTES / 2**30:.0f} GiB "
            "(most of it freed afterwards). "
            f"Fix: free space, or set {project().variable('CACHE')} to a folder on another disk."
        )
