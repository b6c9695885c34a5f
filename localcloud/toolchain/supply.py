"""Puts tools onto this machine: official releases where their hosts answer, builds of the rest.

A release counts when every one of its files is there and has its checksum; then it is renamed into place whole. What
cannot be had in the time that the build takes, or at all, is built, and the reason is said once and kept.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from localcloud.paths import cache_root
from localcloud.toolchain import build, compiler, official, sums
from localcloud.toolchain.choice import OFFICIAL, PINNED, Fetched, Record, Way, variable, way, write
from localcloud.toolchain.compiler import Say, ToolchainError
from localcloud.toolchain.download import DownloadError, Downloads, Patience
from localcloud.toolchain.family import Family
from localcloud.toolchain.official import Artefact, Release

PATIENCE = Patience()
AT_ONCE = 4
MINIMUM_FREE_BYTES = 3 * 2**30
"""For the biggest release, the control plane's, unpacked beside its archives."""
PLUGIN_SECONDS = 300.0
SAID_BYTES = 10**6
"""Files of fewer are fetched without a line of their own."""


def ensure(family: Family, say: Say) -> Path:
    """The folder of the family's tools, fetched or built now if they are not there. Raises ToolchainError."""
    reason = fetch(family, say)
    return build.ensure(family, say, reason)


def fetch(family: Family, say: Say) -> str:
    """Fetches the family's official release unless its tools are there. The reason why it is to be built, else empty.

    Raises ToolchainError where only the official release is allowed and cannot be had.
    """
    if build.is_built(family):
        return ""
    if way() is Way.BUILD:
        return f"{variable()}={Way.BUILD}"
    release = official.release(family)
    if release is None:
        return "no official release for this machine"
    build.make_cache(release.folder.parent)
    with compiler.only_one(build.lock_of(family), family.name, say):
        # Another process may have got it meanwhile, by either way.
        return "" if build.is_built(family) else _fetched(release, family.minutes * 60, say)


def plugin(name: str, version: str, say: Say) -> Path | None:
    """Program of an official provider plugin; None where it cannot be had. Raises ToolchainError as ``fetch``."""
    release = official.plugin(name, version) if way() is not Way.BUILD else None
    if release is None:
        return None
    build.make_cache(release.folder.parent)
    with compiler.only_one(release.folder.with_suffix(".lock"), release.name, say):
        if not release.folder.is_dir() and _fetched(release, PLUGIN_SECONDS, say):
            return None
    return release.folder / "bin" / release.name


def _fetched(release: Release, seconds: float, say: Say) -> str:
    """Empty once the release is in its folder, else the reason. It is given as long as its build would take."""
    say(f"asking for the official release of {release.name} {release.version}")
    # Of a process that was killed: the lock of this release is ours.
    for left in release.folder.parent.glob(f".{release.folder.name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{release.folder.name}-", dir=release.folder.parent))
    try:
        _require_space(scratch)
        files = _install(release, scratch, replace(PATIENCE, total_seconds=seconds), say)
        write(scratch, Record(OFFICIAL, files=files))
        scratch.chmod(0o755)
        scratch.rename(release.folder)
    except (DownloadError, OSError, tarfile.TarError) as error:
        if way() is Way.OFFICIAL:
            raise ToolchainError(
                f"the official release of {release.name} cannot be had: {error}. {variable()} allows nothing else. "
                f"Fix: connect to its host and run the same command again, or unset {variable()}."
            ) from error
        say(f"not the official release of {release.name}: {error}")
        return str(error)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return ""


def _install(release: Release, folder: Path, patience: Patience, say: Say) -> tuple[Fetched, ...]:
    """Checksums first and all at once: where they do not come, nothing else is asked for."""
    kept = cache_root() / "toolchain" / "downloads"
    kept.mkdir(exist_ok=True)
    with Downloads(patience) as downloads, ThreadPoolExecutor(AT_ONCE) as pool:
        addresses = sorted({one.published for one in release.artefacts if one.published})
        texts = dict(zip(addresses, pool.map(downloads.text, addresses), strict=True))
        expected = [_expected(one, texts) for one in release.artefacts]

        def get(artefact: Artefact, described: Fetched) -> None:
            archive = kept / hashlib.sha256(f"{artefact.address} {described.sha256}".encode()).hexdigest()
            try:
                downloads.file(artefact.address, archive, described.sha256)
                _place(artefact, archive, folder)
            except BaseException:
                downloads.stop()
                raise
            if (size := archive.stat().st_size) >= SAID_BYTES:
                say(f"{artefact.name}: {size / 1e6:.0f} MB, checksum right")
            archive.unlink()

        try:
            list(pool.map(get, release.artefacts, expected))
        except BaseException:
            downloads.stop()
            raise
    return tuple(expected)


def _expected(artefact: Artefact, texts: dict[str, str]) -> Fetched:
    if pinned := sums.pinned().get(artefact.address):
        return Fetched(artefact.address, pinned, PINNED)
    found = sums.published(texts.get(artefact.published, ""), artefact.name)
    if found is None:
        raise DownloadError(f"{artefact.published} has no SHA-256 of {artefact.name}")
    return Fetched(artefact.address, found, artefact.published)


def _place(artefact: Artefact, archive: Path, folder: Path) -> None:
    """Never a path of the archive's own: names and places are ours."""
    target = folder / artefact.target
    target.parent.mkdir(parents=True, exist_ok=True)
    if not artefact.member:
        shutil.copyfile(archive, target)
        _executable(target)
        return
    with tarfile.open(archive) as content:
        inside = [one for one in content.getmembers() if one.isfile()]
        named = {one.name.removeprefix("./"): one for one in inside}
        if artefact.member.endswith("/"):
            chosen = {target / name.rpartition("/")[2]: one for name, one in named.items() if artefact.member in name}
        else:
            chosen = {target: named[artefact.member]} if artefact.member in named else {}
        if not chosen:
            raise DownloadError(f"{artefact.address} has no {artefact.member} in it")
        for path, one in chosen.items():
            _extract(content, one, path)


def _extract(content: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    source = content.extractfile(member)
    assert source is not None
    with source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    _executable(path)


def _executable(path: Path) -> None:
    if path.parent.name == "bin":
        path.chmod(0o755)


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < MINIMUM_FREE_BYTES:
        raise DownloadError(f"{folder.parent} has {free / 2**30:.1f} GiB free, 3 are needed to unpack a release")


def ensure_all(families: Sequence[Family], say: Say) -> None:
    """Releases first; then builds, one after the other on all cores, while the modules of the next are downloaded."""
    reasons = {family: reason for family in families if (reason := fetch(family, say))}
    missing = list(reasons)
    if missing:
        minutes = sum(family.minutes for family in missing)
        names = ", ".join(family.name for family in missing)
        say(f"{len(missing)} tools to build ({names}), about {minutes:.0f} min on two cores")
    with ThreadPoolExecutor(max_workers=1) as ahead:
        fetching = [ahead.submit(build.fetch_modules, family, say) for family in missing[1:]]
        try:
            for family in missing:
                build.ensure(family, say, reasons[family])
        finally:
            for module_download in fetching:
                module_download.cancel()
