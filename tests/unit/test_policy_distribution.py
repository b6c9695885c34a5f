"""The policy pack as a distribution: its wheel has its own tests pass where nothing else of the checkout is there."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2_grpc

from policies.pack import RULES, VERSION

ROOMS = ("infra", "stacks", "components", "app", "ops", "localcloud")
ON_STACKS = {"bench.py", "declared.py", "test_answers.py", "test_pack.py", "test_pages.py"}
"""Files of tests/policies that hold the pack to our own stacks; all others are the pack's own."""
JUDGED_HERE = {"test_corpus.py", "test_properties.py"}
"""Many cases of the same code, which the checkout has run already; about the wheel they say nothing more."""
HELPERS = ("tests/__init__.py", "tests/delivery/__init__.py", "tests/delivery/state.py")
DISTRIBUTIONS = {
    "google": "protobuf",
    "grpc": "grpcio",
    "pulumi": "pulumi",
    "pulumi_policy": "pulumi-policy",
    "yaml": "pyyaml",
}
ALONE = f"""
import sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ROOMS}:
            raise ModuleNotFoundError(f"{{name}} is not of the pack", name=name)


sys.meta_path.insert(0, Absent())


def pytest_configure(config):
    config.addinivalue_line("markers", "requirement(id): a row of the checkout")
"""


def imported(file: Path) -> set[str]:
    """First names of the modules that a file imports anywhere in it."""
    names = [
        name
        for node in ast.walk(ast.parse(file.read_text()))
        for name in (
            [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    return {name.partition(".")[0] for name in names}


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the wheel is installed, built and installed without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    uv, python = [str(Path(sys.prefix) / "bin" / "uv"), "--offline", "--no-config"], ["--python", sys.executable]
    environment = {**os.environ, "UV_CACHE_DIR": str(folder / "cache")}
    build = ["build", "--wheel", "--no-build-isolation", *python, "--out-dir", str(folder), str(root / "policies")]
    subprocess.run([*uv, *build], check=True, capture_output=True, env=environment)
    (wheel,) = folder.glob("*.whl")
    install = ["pip", "install", "--no-deps", *python, "--target", str(folder / "site"), str(wheel)]
    subprocess.run([*uv, *install], check=True, capture_output=True, env=environment)
    return folder / "site"


def test_the_wheel_has_the_packs_version_and_nothing_of_this_project(site: Path) -> None:
    (wheel,) = site.parent.glob("*.whl")
    assert wheel.name == f"contentgen_policies-{VERSION}-py3-none-any.whl"
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {"policies", f"contentgen_policies-{VERSION}.dist-info"}
    assert {"policies/profiles/baseline.json", "policies/rules/headers.py"} <= set(names)
    assert [name for name in names if "config/" in name or name.endswith("exemptions.yaml")] == []


def test_dependencies_of_the_wheel_are_what_it_imports(root: Path) -> None:
    project = tomllib.loads((root / "policies" / "pyproject.toml").read_text())["project"]
    named = {re.split(r"[<>=]", one)[0] for one in project["dependencies"]}
    foreign = {name for file in (root / "policies").rglob("*.py") for name in imported(file)}
    assert {DISTRIBUTIONS[name] for name in foreign - sys.stdlib_module_names - {"policies"}} == named
    locked = (root / "policies" / "requirements.txt").read_text()
    assert next(one for one in project["dependencies"] if one.startswith("pulumi-policy")) in locked


def test_the_packs_own_tests_import_nothing_else_of_the_checkout(root: Path) -> None:
    files = {file.name: imported(file) for file in (root / "tests" / "policies").glob("*.py")}
    assert {name for name, modules in files.items() if modules & set(ROOMS)} <= ON_STACKS
    assert len(files.keys() - ON_STACKS) > 15


def test_the_packs_own_tests_pass_on_the_installed_wheel_alone(root: Path, site: Path, tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns(*ON_STACKS, "__pycache__")
    shutil.copytree(root / "tests" / "policies", tmp_path / "tests" / "policies", ignore=ignored)
    for name in HELPERS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(root / name, tmp_path / name)
    (tmp_path / "alone.py").write_text(ALONE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "tests" / "test_place.py").write_text(
        f"import policies\n\ndef test_it():\n    assert policies.__path__ == [{str(site / 'policies')!r}]\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{site}:{tmp_path}"}
    without = [f"--ignore=tests/policies/{name}" for name in JUDGED_HERE]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "alone", "-p", "no:cacheprovider", *without, "tests"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 1000
    assert "skipped" not in done.stdout


def test_the_folder_of_the_readme_starts_the_installed_pack(root: Path, site: Path, tmp_path: Path) -> None:
    """As the engine starts it: the port on the first line, then a question for the rules."""
    readme = (root / "policies" / "README.md").read_text()
    (tmp_path / "__main__.py").write_text(
        re.findall(r"`pack/__main__.py`:\n\n```python\n(.*?)```", readme, re.DOTALL)[0]
    )
    command = [sys.executable, "-m", "pulumi.policy", "127.0.0.1:1", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path, env=environment) as process:
        try:
            assert process.stdout is not None
            with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                told = analyzer_pb2_grpc.AnalyzerStub(channel).GetAnalyzerInfo(empty_pb2.Empty())
        finally:
            process.terminate()
    assert (told.version, len(told.policies)) == (VERSION, len(RULES))
