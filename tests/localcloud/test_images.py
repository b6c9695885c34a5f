"""The registry of an embedded cloud: an image is what the application was, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.images import ImageNotFound, Registry, by_digest
from localcloud.runner.images import ImageError, Machine, Start, process


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    package = tmp_path / "checkout" / "app"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("print('first')\n")
    return package.parent


@pytest.mark.requirement("L05")
def test_the_same_application_is_the_same_image_and_a_change_is_another(tmp_path: Path, checkout: Path) -> None:
    registry = Registry(tmp_path / "images")
    first = registry.push(checkout)
    (checkout / "app" / "__pycache__").mkdir()
    (checkout / "app" / "__pycache__" / "x.pyc").write_bytes(b"x")
    (checkout / "README.md").write_text("not of the image")
    assert registry.push(checkout) == first
    (checkout / "app" / "__main__.py").rename(checkout / "app" / "other.py")
    assert registry.push(checkout) != first
    assert len(list((tmp_path / "images").iterdir())) == 2


@pytest.mark.requirement("L05")
def test_a_pod_runs_the_application_of_its_image_whatever_the_checkout_holds_by_now(
    tmp_path: Path, checkout: Path
) -> None:
    registry = Registry(tmp_path / "images")
    image = by_digest("contentgen:dev", registry.push(checkout))
    (checkout / "app" / "__main__.py").write_text("print('second')\n")
    machine = Machine("http://127.0.0.1:1", tmp_path / "names", tmp_path / "ca", registry)
    start = Start((), (), {}, "127.0.0.1", "contentgen", "us-east-1", tmp_path, machine, str)
    made = process(image, start)
    # Without the table of names, which only a running cloud has.
    own = {**made.environment, "PYTHONPATH": made.environment["PYTHONPATH"].partition(":")[2]}
    done = subprocess.run(made.argv, env=own, cwd=checkout, capture_output=True, text=True, check=True)
    assert made.argv == (sys.executable, "-m", "app")
    assert done.stdout == "first\n"


@pytest.mark.requirement("L05")
def test_a_digest_that_was_never_pushed_cannot_be_run(tmp_path: Path, checkout: Path) -> None:
    registry = Registry(tmp_path / "images")
    known = registry.push(checkout)
    image = "registry.example.com/contentgen@sha256:" + "0" * 64
    with pytest.raises(ImageNotFound, match=rf"was never pushed.*which has {known[7:19]}; fix: make up"):
        registry.pull(image)
    machine = Machine("http://127.0.0.1:1", tmp_path / "names", tmp_path / "ca", registry)
    with pytest.raises(ImageError, match="was never pushed"):
        process(image, Start((), (), {}, "127.0.0.1", "contentgen", "us-east-1", tmp_path, machine, str))


@pytest.mark.parametrize(
    "image",
    [
        "registry.example.com:5000/team/contentgen:1.2",
        "registry.example.com:5000/team/contentgen@sha256:" + "0" * 64,
        "registry.example.com:5000/team/contentgen:1.2@sha256:" + "0" * 64,
        "registry.example.com:5000/team/contentgen",
    ],
)
def test_a_reference_by_digest_keeps_its_repository(image: str) -> None:
    assert by_digest(image, "sha256:1") == "registry.example.com:5000/team/contentgen@sha256:1"
