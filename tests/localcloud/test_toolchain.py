"""Tools that cannot be had are named with the fix, and a build that is cut off leaves nothing that looks whole."""

from __future__ import annotations

import dataclasses
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.toolchain import build, compiler, later, origin
from localcloud.toolchain.families import FAMILIES, FIRST, KEDA, LATER, TESTING
from localcloud.toolchain.family import Binary, Cut, Family, Reduced

ROOT = Path(__file__).resolve().parents[2]
SMALL = Family("small", "example.com/tool", 1, (Binary("tool", "example.com/tool/v2"),))
REDUCED = Reduced("example.com/m", "two", (Cut("choose.go", "head<", ">tail", "ONE"),), "scalers", ("one.go",))
WRITES_ITS_PROGRAM = 'echo built >> "$0.count"; while [ "$1" != -o ]; do shift; done; touch "$2/tool"'


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
    listing = '[ "$1" = list ] && echo unsafe example.com/a example.com/tool/v2 && exit 0'
    program.write_text(f'#!/bin/sh\n[ "$1" = env ] && echo go1.26 && exit 0\n{listing}\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.defpath}")


def test_a_build_happens_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _compiler(cache, WRITES_ITS_PROGRAM, monkeypatch)
    said: list[str] = []
    first = build.ensure(SMALL, said.append)
    assert (first / "bin" / "tool").exists()
    assert build.ensure(SMALL, said.append) == first
    assert (cache / "bin" / "go.count").read_text() == "built\n"
    assert "about 1 min" in said[0]


def test_the_last_package_ends_the_count_and_what_is_never_compiled_is_not_in_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _compiler(cache, f"echo example.com/a >&2; echo example.com/tool/v2 >&2; {WRITES_ITS_PROGRAM}", monkeypatch)
    said: list[str] = []
    build.ensure(SMALL, said.append)
    assert said[-1] == "small: 2 of 2 packages compiled, linking"


def test_two_checkouts_that_build_at_once_make_one_build(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one's compiler goes on only when the second one waits, so that both are at it."""
    waits = cache / "waits"
    _compiler(cache, f"while [ ! -e {waits} ]; do sleep 0.05; done; {WRITES_ITS_PROGRAM}", monkeypatch)
    script = f"""
from pathlib import Path
from localcloud.toolchain import build
from localcloud.toolchain.family import Binary, Family
Family.source = property(lambda self: Path({str(cache / "source")!r}))
def say(text):
    if "waiting" in text:
        Path({str(waits)!r}).touch()
build.ensure(Family("small", "example.com/tool", 1, (Binary("tool", "example.com/tool/v2"),)), say)
"""
    started = [subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) for _ in range(2)]
    assert [one.wait(60) for one in started] == [0, 0]
    assert (cache / "bin" / "go.count").read_text() == "built\n"
    assert build.is_built(SMALL)


def test_a_build_that_was_killed_leaves_nothing_and_is_made_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = cache / "begun"
    _compiler(
        cache, f"if [ ! -e {begun} ]; then touch {begun}; kill -9 $PPID; exit 1; fi; {WRITES_ITS_PROGRAM}", monkeypatch
    )
    script = f"""
from pathlib import Path
from localcloud.toolchain import build
from localcloud.toolchain.family import Binary, Family
Family.source = property(lambda self: Path({str(cache / "source")!r}))
build.ensure(Family("small", "example.com/tool", 1, (Binary("tool", "example.com/tool/v2"),)), print)
"""
    killed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert not build.is_built(SMALL)
    assert not build.is_being_built(SMALL)
    folder = build.ensure(SMALL, print)
    assert (folder / "bin" / "tool").exists()
    assert [path for path in folder.parent.iterdir() if path.is_dir()] == [folder]


def test_a_failing_build_shows_the_compilers_words_and_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _compiler(cache, "echo example.com/a >&2; echo 'dial tcp: connection refused' >&2; exit 1", monkeypatch)
    with pytest.raises(build.ToolchainError, match="connection refused") as failed:
        build.ensure(SMALL, print)
    assert "Fix:" in str(failed.value)
    assert "example.com/a" not in str(failed.value)
    assert not build.is_built(SMALL)
    assert [path.name for path in build.result_folder(SMALL).parent.iterdir() if path.is_dir()] == []


def test_a_changed_source_is_another_result(cache: Path) -> None:
    before = build.result_folder(SMALL)
    (cache / "source" / "go.mod").write_text("module small\n\ngo 1.26\n")
    assert build.result_folder(SMALL) != before


def test_a_better_estimate_builds_nothing_anew_but_another_architecture_does(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = build.result_folder(SMALL)
    assert build.result_folder(dataclasses.replace(SMALL, minutes=7)) == before
    assert build.result_folder(dataclasses.replace(SMALL, tags=("small",))) != before
    monkeypatch.setattr(platform, "machine", lambda: "another")
    assert build.result_folder(SMALL) != before


def test_caches_are_not_pruned_under_a_build(cache: Path) -> None:
    with compiler.caches_in_use():
        (compiler.build_cache() / "needed").touch()
        compiler.prune_build_caches()
        assert (compiler.build_cache() / "needed").exists()
    compiler.prune_build_caches()
    assert not compiler.build_cache().exists()


def test_a_reduced_module_lacks_only_what_is_not_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = cache / "module"
    for name, text in (("scalers/one.go", "one"), ("scalers/two.go", "two"), ("choose.go", "head<all>tail")):
        (module / name).parent.mkdir(parents=True, exist_ok=True)
        (module / name).write_text(text)
    _compiler(
        cache,
        f"""[ "$2" = download ] && echo '{{"Dir": "{module}"}}' && exit 0; echo "$@" >> "$0.said" """,
        monkeypatch,
    )
    build._reduce(REDUCED, cache / "source", "reduced", cache / "bin" / "go")
    copy = cache / "source" / "reduced"
    assert [path.name for path in (copy / "scalers").iterdir()] == ["one.go"]
    assert (copy / "choose.go").read_text() == "head<ONE>tail"
    assert (module / "scalers" / "two.go").read_text() == "two"
    assert "-replace example.com/m=./reduced" in (cache / "bin" / "go.said").read_text()


@pytest.mark.parametrize(
    "change",
    [
        dataclasses.replace(REDUCED, kept=("three.go",)),
        dataclasses.replace(REDUCED, cuts=(Cut("choose.go", "gone", ">tail"),)),
        dataclasses.replace(REDUCED, cuts=(Cut("choose.go", "head<", "gone"),)),
    ],
)
def test_a_module_that_cannot_be_reduced_fails_and_names_what_it_lacks(
    change: Reduced, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = cache / "module"
    (module / "scalers").mkdir(parents=True)
    (module / "scalers" / "one.go").write_text("one")
    (module / "choose.go").write_text("head<all>tail")
    _compiler(cache, f"""echo '{{"Dir": "{module}"}}'""", monkeypatch)
    with pytest.raises(build.ToolchainError, match=r"has not .*(three\.go|choose\.go)"):
        build._reduce(change, cache / "source", "reduced", cache / "bin" / "go")


def test_the_first_answer_waits_for_no_tool_of_the_tests_and_not_for_keda() -> None:
    assert [family.name for family in FIRST] == ["kubernetes", "engine", "crds"]
    assert KEDA in LATER
    assert {family.name for family in TESTING} == {"promtool", "actionlint"}
    assert set(FAMILIES) == {*FIRST, *LATER, *TESTING}


def test_without_keda_the_toolchain_is_whole_but_for_its_programs(cache: Path) -> None:
    found = origin.located(origin.Engine(cache / "pulumi", "3", "here", official=True))
    assert "kube-apiserver" in found.kubernetes_binaries
    assert "keda-operator" not in found.kubernetes_binaries
    build.result_folder(KEDA).mkdir(parents=True)
    found = origin.located(origin.Engine(cache / "pulumi", "3", "here", official=True))
    assert "keda-operator" in found.kubernetes_binaries


def test_nothing_is_begun_in_the_background_where_nothing_is_missing_or_somebody_builds_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[object] = []
    monkeypatch.setattr(later.subprocess, "Popen", lambda *given, **_: begun.append(given))
    folder = build.result_folder(KEDA)
    folder.parent.mkdir(parents=True)
    assert later.begin()
    assert len(begun) == 1
    with compiler.only_one(folder.with_suffix(".lock"), "keda", print):
        assert later.begin()
    assert len(begun) == 1
    folder.mkdir()
    assert not later.begin()
    assert len(begun) == 1


def test_too_little_space_is_said_before_anything_is_built(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "MINIMUM_FREE_BYTES", 2**60)
    with pytest.raises(build.ToolchainError, match="GiB free") as failed:
        build.ensure(SMALL, print)
    assert "CONTENTGEN_CACHE" in str(failed.value)


def test_a_cache_that_cannot_be_written_is_named_with_the_variable_that_moves_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / "cache").write_text("a file, so that no user can make folders below it")
    with pytest.raises(build.ToolchainError, match="cannot be written to") as failed:
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
    environment = compiler.go_environment()
    assert "GOFLAGS" in environment and "insecure" not in environment["GOFLAGS"]
    assert environment.get("GONOSUMDB", "") == os.environ.get("GONOSUMDB", "")
    assert environment.get("GONOSUMCHECK") is None
    assert all((family.source / "go.sum").exists() for family in FAMILIES)
