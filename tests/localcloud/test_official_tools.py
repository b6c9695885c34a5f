"""Official releases from a mirror with the hosts' layout: good ones are taken, of the others nothing is, and the build
takes their place with the reason.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.toolchain import build, choice, official, sums, supply
from localcloud.toolchain.compiler import ToolchainError
from localcloud.toolchain.download import DownloadError, Downloads, Patience
from localcloud.toolchain.families import PROMTOOL
from localcloud.toolchain.family import Family
from tests.localcloud.release_mirror import (
    Answer,
    Mirror,
    archive,
    cut_off_half_way,
    serving,
    sha256,
    stalled,
    without_ranges,
)

ROOT = Path(__file__).resolve().parents[2]
HASTE = Patience(connect_seconds=2, read_seconds=5, attempts=3)
PROGRAM = b"#!/bin/sh\necho official\n" + bytes(range(256)) * 4000
PROMETHEUS = "github.com/prometheus/prometheus/releases/download/v3.15.0"
ARCHIVE = "prometheus-3.15.0.linux-amd64.tar.gz"
BUILDS = (
    '[ "$1" = env ] && echo go1.26 && exit 0; [ "$1" = list ] && echo example.com/a && exit 0; '
    'while [ "$1" != -o ]; do shift; done; echo built > "$2/promtool"'
)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mirror]:
    """A mirror that has promtool, on a machine of the usual architecture with nothing but a compiler of two lines."""
    compiler = tmp_path / "bin" / "go"
    compiler.parent.mkdir()
    compiler.write_text(f"#!/bin/sh\n{BUILDS}\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{compiler.parent}:{os.defpath}")
    monkeypatch.setenv("CONTENTGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CONTENTGEN_TOOLS", raising=False)
    monkeypatch.setattr(official.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(supply, "PATIENCE", HASTE)
    with serving() as served:
        monkeypatch.setenv("CONTENTGEN_RELEASES", served.address)
        _promtool(served)
        yield served


def _promtool(served: Mirror) -> None:
    folder = ARCHIVE.removesuffix(".tar.gz")
    packed = archive({f"{folder}/LICENSE": b"", f"{folder}/prometheus": b"", f"{folder}/promtool": PROGRAM})
    served.files[f"{PROMETHEUS}/{ARCHIVE}"] = packed
    served.files[f"{PROMETHEUS}/sha256sums.txt"] = f"{sha256(packed)}  {ARCHIVE}\n".encode()


def _got(family: Family = PROMTOOL) -> tuple[Path, list[str]]:
    said: list[str] = []
    return supply.ensure(family, said.append), said


def _built_for(reason: str) -> None:
    """The build was taken, its record has the reason, one sentence said it, and no half of a release is left."""
    folder, said = _got()
    assert (folder / "bin" / "promtool").read_text() == "built\n"
    record = choice.read(folder)
    assert (record.origin, record.files) == ("built from Go modules", ())
    assert reason in record.reason
    assert [one for one in said if "not the official release of promtool: " in one and reason in one]
    assert [path for path in folder.parent.iterdir() if path.is_dir() and path.name.startswith(".")] == []
    release = official.release(PROMTOOL)
    assert release is not None and not release.folder.exists()


def test_a_good_release_is_taken_and_recorded_with_its_checksum_and_nothing_is_built(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply, "SAID_BYTES", 1000)
    folder, said = _got()
    program = folder / "bin" / "promtool"
    assert program.read_bytes() == PROGRAM
    assert said == [
        "asking for the official release of promtool v0.315.0",
        f"{ARCHIVE}: 0 MB, checksum right",
    ]
    assert os.access(program, os.X_OK)
    record = choice.read(folder)
    assert (record.origin, record.reason) == ("official release", "")
    (taken,) = record.files
    assert taken.address == f"https://{PROMETHEUS}/{ARCHIVE}"
    assert taken.sha256 == sha256(mirror.files[f"{PROMETHEUS}/{ARCHIVE}"])
    assert taken.compared_with == f"https://{PROMETHEUS}/sha256sums.txt"
    assert not build.build_folder(PROMTOOL).exists()


def test_what_was_fetched_is_used_again_without_asking_the_host(mirror: Mirror) -> None:
    first, _ = _got()
    mirror.asked.clear()
    assert _got()[0] == first
    assert mirror.asked == []


def test_a_truncated_release_is_refused_and_built(mirror: Mirror) -> None:
    mirror.files[f"{PROMETHEUS}/{ARCHIVE}"] = mirror.files[f"{PROMETHEUS}/{ARCHIVE}"][:-100]
    _built_for("has the SHA-256")


def test_a_release_of_another_checksum_is_refused_and_built(mirror: Mirror) -> None:
    mirror.files[f"{PROMETHEUS}/sha256sums.txt"] = f"{'0' * 64}  {ARCHIVE}\n".encode()
    _built_for(f"published is {'0' * 64}")


@pytest.mark.parametrize("name", [ARCHIVE, "sha256sums.txt"])
def test_a_file_that_is_not_found_is_named_and_the_tool_is_built(name: str, mirror: Mirror) -> None:
    del mirror.files[f"{PROMETHEUS}/{name}"]
    _built_for(f"https://{PROMETHEUS}/{name} answers 404")


def test_checksums_that_leave_a_file_out_take_nothing_on_trust(mirror: Mirror) -> None:
    mirror.files[f"{PROMETHEUS}/sha256sums.txt"] = f"{'0' * 64}  another.tar.gz\n".encode()
    _built_for(f"has no SHA-256 of {ARCHIVE}")
    assert mirror.asked_for(ARCHIVE) == []


def test_an_archive_without_the_program_is_refused_and_built(mirror: Mirror) -> None:
    packed = archive({"elsewhere/promtool": PROGRAM})
    mirror.files[f"{PROMETHEUS}/{ARCHIVE}"] = packed
    mirror.files[f"{PROMETHEUS}/sha256sums.txt"] = f"{sha256(packed)}  {ARCHIVE}\n".encode()
    _built_for("has no prometheus-3.15.0.linux-amd64/promtool in it")


def test_a_host_that_stalls_is_left_after_the_time_for_the_next_bytes(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply, "PATIENCE", Patience(read_seconds=0.2, attempts=2))
    released = threading.Event()
    mirror.faults[f"{PROMETHEUS}/{ARCHIVE}"] = stalled(released)
    try:
        _built_for("ReadTimeout")
    finally:
        released.set()
    assert len(mirror.asked_for(ARCHIVE)) == 2


def test_a_slow_host_is_left_when_all_of_the_time_is_over(mirror: Mirror, tmp_path: Path) -> None:
    """It goes on for ever, a little at a time, so that no single wait is too long."""

    def dripping(answer: Answer) -> None:
        answer.send_response(200)
        answer.end_headers()
        try:
            while True:
                answer.wfile.write(bytes(2**18))
        except OSError:
            answer.close_connection = True

    mirror.faults["github.com/slow"] = dripping
    with (
        Downloads(Patience(total_seconds=0.2)) as downloads,
        pytest.raises(DownloadError, match=r"https://github\.com/slow was not there after 0 s"),
    ):
        downloads.file("https://github.com/slow", tmp_path / "slow", "0" * 64)


def test_a_file_without_an_end_is_left_at_the_size_limit(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["github.com/big"] = bytes(3000)
    with Downloads(Patience(most_bytes=1000)) as downloads, pytest.raises(DownloadError, match="bigger than 1000"):
        downloads.file("https://github.com/big", tmp_path / "big", "0" * 64)


def test_a_download_that_is_cut_off_half_way_goes_on_from_there(mirror: Mirror) -> None:
    mirror.faults[f"{PROMETHEUS}/{ARCHIVE}"] = cut_off_half_way(1)
    folder, _ = _got()
    assert (folder / "bin" / "promtool").read_bytes() == PROGRAM
    half = len(mirror.files[f"{PROMETHEUS}/{ARCHIVE}"]) // 2
    assert mirror.asked_for(ARCHIVE) == [None, f"bytes={half}-"]


def test_a_later_run_goes_on_where_an_earlier_one_gave_up(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror.faults[f"{PROMETHEUS}/{ARCHIVE}"] = cut_off_half_way(HASTE.attempts)
    assert "cannot be used" in supply.fetch(PROMTOOL, print)
    mirror.asked.clear()
    assert supply.fetch(PROMTOOL, print) == ""
    (begin,) = mirror.asked_for(ARCHIVE)
    assert begin is not None and int(begin.removeprefix("bytes=").rstrip("-")) > 0
    assert (build.result_folder(PROMTOOL) / "bin" / "promtool").read_bytes() == PROGRAM


def test_a_host_without_a_connection_is_waited_for_once_and_not_once_a_file(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as gone:
        monkeypatch.setenv("CONTENTGEN_RELEASES", gone.address)
    with Downloads(HASTE) as downloads, pytest.raises(DownloadError, match="ConnectError"):
        downloads.text("https://github.com/first")
    with serving(int(gone.address.rpartition(":")[2])) as back:
        back.files["github.com/second"] = b"there"
        with Downloads(HASTE) as downloads, pytest.raises(DownloadError, match="no connection a moment ago"):
            downloads.text("https://github.com/second")
        assert back.asked == []


def test_a_host_without_ranges_sends_the_whole_file_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["github.com/file"] = PROGRAM
    mirror.faults["github.com/file"] = without_ranges
    (tmp_path / "file.part").write_bytes(PROGRAM[:5000])
    with Downloads(HASTE) as downloads:
        downloads.file("https://github.com/file", tmp_path / "file", sha256(PROGRAM))
    assert (tmp_path / "file").read_bytes() == PROGRAM
    assert mirror.asked_for("file") == ["bytes=5000-"]


def test_the_rest_of_another_file_is_not_glued_to_what_is_there(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["github.com/file"] = PROGRAM
    (tmp_path / "file.part").write_bytes(b"of another day" * 100)
    with Downloads(HASTE) as downloads:
        downloads.file("https://github.com/file", tmp_path / "file", sha256(PROGRAM))
    assert (tmp_path / "file").read_bytes() == PROGRAM
    assert mirror.asked_for("file") == ["bytes=1400-", None]


def test_two_processes_at_once_make_one_download(mirror: Mirror, tmp_path: Path) -> None:
    """The mirror sends the archive only when the second one waits, so that both are at it."""
    waits = tmp_path / "waits"

    def held(answer: Answer) -> None:
        pause = threading.Event()
        while not waits.exists():
            pause.wait(0.05)
        answer.whole(ranges=True)

    mirror.faults[f"{PROMETHEUS}/{ARCHIVE}"] = held
    script = f"""
from pathlib import Path
from localcloud.toolchain import supply
from localcloud.toolchain.families import PROMTOOL
supply.PATIENCE = supply.Patience(read_seconds=60)
def say(text):
    if "waiting" in text:
        Path({str(waits)!r}).touch()
supply.ensure(PROMTOOL, say)
"""
    started = [subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) for _ in range(2)]
    assert [one.wait(90) for one in started] == [0, 0]
    assert mirror.asked_for(ARCHIVE) == [None]
    assert choice.read(build.result_folder(PROMTOOL)).origin == "official release"


def test_a_cache_that_cannot_be_written_is_named_before_any_host_is_asked(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, so that no user can make folders below it")
    with pytest.raises(ToolchainError, match="cannot be written to") as failed:
        _got()
    assert "CONTENTGEN_CACHE" in str(failed.value)
    assert mirror.asked == []


def test_build_asks_no_host_and_ignores_what_was_fetched(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched, _ = _got()
    monkeypatch.setenv("CONTENTGEN_TOOLS", "build")
    mirror.asked.clear()
    folder, _ = _got()
    assert folder != fetched
    assert choice.read(folder).reason == "CONTENTGEN_TOOLS=build"
    assert mirror.asked == []


def test_official_refuses_what_cannot_be_fetched_even_where_a_build_is_there(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.ensure(PROMTOOL, print)
    del mirror.files[f"{PROMETHEUS}/{ARCHIVE}"]
    monkeypatch.setenv("CONTENTGEN_TOOLS", "official")
    with pytest.raises(ToolchainError, match="answers 404") as failed:
        _got()
    assert "unset CONTENTGEN_TOOLS" in str(failed.value)


def test_another_choice_is_refused_with_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTENTGEN_TOOLS", "nightly")
    with pytest.raises(ToolchainError, match="'nightly'; allowed are auto, official, build"):
        choice.way()


def test_a_mirror_without_encryption_elsewhere_than_on_this_machine_is_refused(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTENTGEN_RELEASES", "http://mirror.invalid")
    _built_for("is not encrypted")


def test_a_pinned_checksum_is_held_against_what_the_host_publishes(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Program and published checksum were both changed at the host."""
    monkeypatch.setattr(sums, "SUMS", tmp_path / "sums.json")
    sums.write({f"https://{PROMETHEUS}/{ARCHIVE}": "1" * 64})
    _built_for(f"published is {'1' * 64}")
