"""Tools that cannot be had are said in words, and a build that is cut off leaves nothing that looks whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from localcloud.toolchain import build
from localcloud.toolchain.families import FAMILIES, Binary, Family

SMALL = Family("small", 1, (Binary("tool", "example.com/tool"),))


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("CONTENTGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(Family, "source", property(lambda self: tmp_path / "source"))
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "go.mod").write_text("module small\n")
    return tmp_path


def _compiler(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Go compiler of the given behaviour, first on PATH."""
    program = folder / "bin" / "go"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$1" = env ] && echo go1.26 && exit 0\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.defpath}")


def test_a_build_happens_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _compiler(cache, 'echo built >> "$0.count"; while [ "$1" != -o ]; do shift; done; touch "$2"', monkeypatch)
    said: list[str] = []
    first = build.ensure(SMALL, said.append)
    assert (first / "bin" / "tool").exists()
    assert build.ensure(SMALL, said.append) == first
    assert (cache / "bin" / "go.count").read_text() == "built\n"
    assert "about 1 min" in said[0]


def test_a_failing_build_shows_the_compilers_words_and_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _compiler(cache, "echo 'dial tcp: connection refused' >&2; exit 1", monkeypatch)
    with pytest.raises(build.ToolchainError, match="connection refused") as failed:
        build.ensure(SMALL, print)
    assert "Fix:" in str(failed.value)
    assert not build.is_built(SMALL)
    assert [path.name for path in build.result_folder(SMALL).parent.iterdir() if path.is_dir()] == []


def test_a_changed_source_is_another_result(cache: Path) -> None:
    before = build.result_folder(SMALL)
    (cache / "source" / "go.mod").write_text("module small\n\ngo 1.26\n")
    assert build.result_folder(SMALL) != before


def test_too_little_space_is_said_before_anything_is_built(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "MINIMUM_FREE_BYTES", 2**60)
    with pytest.raises(build.ToolchainError, match="GiB free") as failed:
        build.ensure(SMALL, print)
    assert "CONTENTGEN_CACHE" in str(failed.value)


def test_no_compiler_and_no_package_index_names_both_ways_out(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cache))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(build.ToolchainError, match="install Go"):
        build.ensure(SMALL, print)


def test_every_family_names_the_version_it_builds() -> None:
    assert all(family.version.startswith("v") for family in FAMILIES)


def test_checksums_are_never_switched_off() -> None:
    environment = build._go_environment()
    assert "GOFLAGS" in environment and "insecure" not in environment["GOFLAGS"]
    assert environment.get("GONOSUMDB", "") == os.environ.get("GONOSUMDB", "")
    assert environment.get("GONOSUMCHECK") is None
    assert all((family.source / "go.sum").exists() for family in FAMILIES)
