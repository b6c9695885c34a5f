"""Images of a person's own: which there are, and what of a Dockerfile the embedded cloud goes by."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from localcloud.images import Registry
from localcloud.own_images import OwnImageError, own_image, own_images, runnable
from localcloud.project import FOLDER_VARIABLE, Project, project
from localcloud.runner.images import ImageError, Machine, Start, process
from tests.localcloud.projects import written

GOOD = 'FROM python\nENTRYPOINT ["python", "-m", "main"]\nCMD ["serve"]\n'


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with an application and one image beside it, which the runner works for."""
    (tmp_path / "images" / "counter").mkdir(parents=True)
    (tmp_path / "images" / "counter" / "Dockerfile").write_text(GOOD)
    (tmp_path / "images" / "notes").mkdir()
    (tmp_path / "till").mkdir()
    (tmp_path / "till" / "__main__.py").touch()
    monkeypatch.setenv(FOLDER_VARIABLE, str(written(tmp_path, prefix="SHOP", image="shop", package="till")))
    return project()


def start(folder: Path, *arguments: str) -> Start:
    machine = Machine("http://127.0.0.1:1", folder / "names", folder / "ca", Registry(folder / "kept"))
    return Start((), arguments, {"A": "b"}, "127.16.0.2", "shop", "us-east-1", folder, machine, str)


@pytest.mark.parametrize(
    ("image", "runs"),
    [
        ("counter:1", True),
        ("registry.example.com:5000/team/counter@sha256:" + "0" * 64, True),
        ("shop:dev", True),
        ("postgres:18", True),
        ("contentgen:dev", False),
        ("notes:1", False),
        ("recounter:1", False),
        ("counter-more:1", False),
    ],
)
def test_a_folder_with_a_dockerfile_is_an_image_by_its_name(shop: Project, image: str, runs: bool) -> None:
    assert own_images(shop) == ("counter",)
    assert bool(re.search(runnable(shop), image)) is runs


def test_its_program_runs_with_the_declared_variables_in_its_own_folder(shop: Project) -> None:
    made = process("counter:1", start(shop.folder))
    assert made.argv == (sys.executable, "-m", "main", "serve")
    assert (made.environment["A"], made.environment["HOST"]) == ("b", "127.16.0.2")
    assert made.environment["PYTHONPATH"].endswith(f":{shop.folder / 'images' / 'counter'}")


def test_arguments_that_a_pod_declares_replace_cmd(shop: Project) -> None:
    assert process("counter:1", start(shop.folder, "count")).argv == (sys.executable, "-m", "main", "count")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("FROM python\n", r"ENTRYPOINT is \[\]; it must begin with python"),
        ('ENTRYPOINT ["node", "main.js"]\n', r'ENTRYPOINT is \["node", "main.js"\]; it must begin with python'),
        ("ENTRYPOINT python -m main\n", "ENTRYPOINT is python -m main; it must be a list of texts on one line"),
        ('ENTRYPOINT ["python"]\nCMD [1]\n', r"CMD is \[1\]; it must be a list of texts on one line"),
    ],
)
def test_a_dockerfile_that_cannot_be_run_here_is_refused(shop: Project, text: str, problem: str) -> None:
    (shop.folder / "images" / "counter" / "Dockerfile").write_text(text)
    with pytest.raises(OwnImageError, match=f"images/counter/Dockerfile: {problem}"):
        own_image("counter", shop)
    with pytest.raises(ImageError, match=problem):
        process("counter:1", start(shop.folder))


def test_the_application_runs_from_its_checkout_by_the_package_that_its_project_names(shop: Project) -> None:
    made = process("registry.example.com/shop:dev", start(shop.folder))
    assert made.argv == (sys.executable, "-m", "till")
    assert made.environment["PYTHONPATH"].endswith(f":{shop.folder}")
