"""Programs out of Debian's packages on machines that know more or less of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from localcloud import servers
from localcloud.debian import unpacked

PACKAGE = "hostname"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(servers, "cache_root", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_a_machine_that_has_no_list_of_packages_yet_gets_one_of_our_own(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "apt.conf"
    (tmp_path / "lists").mkdir()
    bare.write_text(f'Dir::State::lists "{tmp_path / "lists"}";\n')
    monkeypatch.setenv("APT_CONFIG", str(bare))
    found = unpacked("hostname-debian", [PACKAGE])
    if shutil.which("apt-get"):
        assert found == cache / "hostname-debian"
        assert (found / "bin" / "hostname").is_file()
        assert list((tmp_path / "lists").iterdir()) == []
    else:
        assert found is None


def test_a_package_that_nobody_has_leaves_nothing_in_the_cache(cache: Path) -> None:
    assert unpacked("nothing-debian", ["no-such-package-at-all"]) is None
    assert not (cache / "nothing-debian").exists()


def test_a_machine_without_apt_is_told_by_none(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert unpacked("hostname-debian", [PACKAGE]) is None
