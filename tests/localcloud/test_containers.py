"""Containers run as their pod declares."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import SubprocessError

import httpx
import psutil
import pytest
from lightkube.models.core_v1 import Container, Probe
from lightkube.resources.core_v1 import Pod

from localcloud.images import Registry
from localcloud.runner import volumes
from localcloud.runner.addresses import AddressPool, as_loopback, as_pod_address
from localcloud.runner.container import ContainerState, RunningContainer
from localcloud.runner.images import ImageError, Machine, Process, Start, image_name, process
from localcloud.runner.probes import ask
from localcloud.runner.variables import MissingReference, References, environment, expand

REFERENCES = References({"settings": {"COLOUR": "blue", "SIZE": "1"}}, {"keys": {"password": b"hidden"}})


def _pod(container: dict[str, object], **spec: object) -> Pod:
    return Pod.from_dict(
        {
            "metadata": {"name": "cpm-1", "namespace": "contentgen", "uid": "u-1"},
            "spec": {"containers": [{"name": "cpm", "image": "contentgen:dev", **container}], **spec},
        }
    )


def _environment(container: dict[str, object]) -> dict[str, str]:
    pod = _pod(container)
    assert pod.spec is not None
    return environment(pod, pod.spec.containers[0], REFERENCES, "127.16.0.2")


def test_variables_come_from_values_maps_secrets_and_the_pod_itself() -> None:
    found = _environment(
        {
            "envFrom": [{"configMapRef": {"name": "settings"}}],
            "env": [
                {"name": "SIZE", "value": "2"},
                {"name": "ME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}},
                {"name": "BOTH", "value": "$(COLOUR)-$(SIZE)-$(NOBODY)-$$(SIZE)"},
            ],
        }
    )
    assert found == {
        "COLOUR": "blue",
        "SIZE": "2",
        "ME": "cpm-1",
        "PASSWORD": "hidden",
        "BOTH": "blue-2-$(NOBODY)-$(SIZE)",
    }


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"secretKeyRef": {"name": "none", "key": "password"}}, 'secret "none" not found'),
        ({"secretKeyRef": {"name": "keys", "key": "none"}}, 'secret has no key "none"'),
        ({"configMapKeyRef": {"name": "none", "key": "x"}}, 'configmap "none" not found'),
        ({"fieldRef": {"fieldPath": "status.hostIP"}}, "fieldRef status.hostIP"),
    ],
)
def test_a_reference_to_nothing_is_said_as_a_kubelet_says_it(source: dict[str, object], words: str) -> None:
    with pytest.raises(MissingReference, match=words.replace('"', '"')):
        _environment({"env": [{"name": "X", "valueFrom": source}]})


def test_a_dollar_sign_can_be_written() -> None:
    assert expand("$$(A) $(A)", {"A": "1"}) == "$(A) 1"


def test_mount_paths_become_folders_and_only_whole_components_do() -> None:
    mounted = {"/tmp": Path("/state/tmp"), "/etc/contentgen/secrets": Path("/state/secrets")}
    assert volumes.translated("/etc/contentgen/secrets/key", mounted) == "/state/secrets/key"
    assert volumes.translated("/tmpfile /tmp", mounted) == "/tmpfile /state/tmp"
    assert volumes.translated("/var/tmp/x", mounted) == "/var/tmp/x"


def test_several_secrets_projected_into_one_folder_are_all_there(tmp_path: Path) -> None:
    sources = [{"secret": {"name": "stores"}}, {"secret": {"name": "keys"}}]
    pod = _pod({}, volumes=[{"name": "secrets", "projected": {"sources": sources}}])
    references = References({}, {"stores": {"database_url": b"x"}, "keys": {"admin_token": b"y"}})
    made = volumes.prepare(pod, references, tmp_path / "pod", tmp_path / "claims", None)
    assert {path.name: path.read_bytes() for path in made["secrets"].iterdir()} == {
        "database_url": b"x",
        "admin_token": b"y",
    }


def test_a_secret_volume_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    pod = _pod({}, volumes=[{"name": "keys", "secret": {"secretName": "keys"}}])
    made = volumes.prepare(pod, REFERENCES, tmp_path / "pod", tmp_path / "claims", None)
    assert (made["keys"] / "password").read_bytes() == b"hidden"
    assert (made["keys"] / "password").stat().st_mode & 0o777 == 0o400


def test_a_claim_outlives_its_pod(tmp_path: Path) -> None:
    pod = _pod({}, volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data-0"}}])
    made = volumes.prepare(pod, REFERENCES, tmp_path / "pod", tmp_path / "claims", None)
    (made["data"] / "row").write_text("kept")
    volumes.remove(tmp_path / "pod")
    assert (tmp_path / "claims" / "data-0" / "row").read_text() == "kept"


def test_pod_addresses_and_loopback_addresses_are_one_to_one() -> None:
    pool = AddressPool(16)
    given = [pool.take() for _ in range(600)]
    assert len(set(given)) == 600
    assert all(as_loopback(as_pod_address(address)) == address for address in given)
    pool.give_back(given[3])
    assert pool.take() == given[3]


def test_an_owner_gets_its_address_again_from_the_next_runner_too(tmp_path: Path) -> None:
    first = AddressPool(16, tmp_path / "addresses.json")
    others, own = first.take(), first.take("contentgen/postgres-0")
    second = AddressPool(16, tmp_path / "addresses.json")
    assert [second.take() for _ in range(3)].count(own) == 0
    assert second.take("contentgen/postgres-0") == own
    assert second.take("contentgen/postgres-0") != own
    assert others != own


def test_an_address_that_a_pod_already_told_is_claimed_once() -> None:
    pool = AddressPool(16)
    assert pool.claim("127.16.0.2")
    assert not pool.claim("127.16.0.2")
    assert pool.take() == "127.16.0.3"


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("contentgen:dev", "contentgen"),
        ("registry.example.com/contentgen@sha256:00", "contentgen"),
        ("redis:7", "redis"),
        ("my-redis:7", None),
        ("nginx", None),
    ],
)
def test_only_known_images_are_run(image: str, name: str | None) -> None:
    assert image_name(image) == name


def _start(tmp_path: Path, **values: object) -> Start:
    machine = Machine("http://127.0.0.1:1", tmp_path / "names", tmp_path / "ca", Registry(tmp_path / "images"))
    plain = {"command": (), "arguments": ("serve",), "environment": {"A": "b"}, "address": "127.16.0.2"}
    more = {"namespace": "contentgen", "region": "us-east-1", "home": tmp_path, "machine": machine}
    return Start(**{**plain, **more, **values}, translated=str)  # type: ignore[arg-type]


def test_our_image_runs_the_application_with_the_declared_variables(tmp_path: Path) -> None:
    made = process("contentgen:dev", _start(tmp_path))
    assert made.argv == (sys.executable, "-m", "app", "serve")
    assert made.environment["A"] == "b"
    assert made.environment["HOST"] == "127.16.0.2"
    assert [name for name in made.environment if "KEY" in name or "ROLE" in name] == []


def test_a_pod_with_an_identity_in_aws_has_that_and_no_keys(tmp_path: Path) -> None:
    identity = {"AWS_ROLE_ARN": "arn", "AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}
    made = process("contentgen:dev", _start(tmp_path, identity=identity))
    assert identity.items() <= made.environment.items()
    assert "AWS_ACCESS_KEY_ID" not in made.environment


def test_arguments_that_postgres_would_not_take_are_refused(tmp_path: Path) -> None:
    variables = {"POSTGRES_USER": "u", "POSTGRES_DB": "d", "POSTGRES_PASSWORD_FILE": str(tmp_path / "p")}
    (tmp_path / "p").write_text("x")
    with pytest.raises(ImageError, match="must be -c name=value pairs"):
        process("postgres:17", _start(tmp_path, environment=variables, arguments=("--wrong",)))


def _run(tmp_path: Path, container: dict[str, object], code: str, policy: str) -> tuple[ContainerState, int]:
    spec = Container.from_dict({"name": "c", "image": "contentgen:dev", **container})

    async def run() -> tuple[ContainerState, int]:
        async with httpx.AsyncClient() as http:
            running = RunningContainer(spec, "127.0.0.1", tmp_path / "log", http, lambda: None)
            made = Process((sys.executable, "-c", code), {"PATH": os.defpath})
            return running.state, await running.run(lambda: made, policy)

    return asyncio.run(run())


def test_a_container_that_fails_reports_its_exit_code(tmp_path: Path) -> None:
    state, code = _run(tmp_path, {}, "raise SystemExit(3)", "Never")
    assert (code, state.phase, state.exit_code, state.reason) == (3, "terminated", 3, "Error")


def test_a_container_whose_startup_probe_never_succeeds_is_killed(tmp_path: Path) -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
    state, code = _run(tmp_path, {"startupProbe": probe}, "import time; time.sleep(60)", "Never")
    assert code == 137
    assert state.exit_code == 137


def _wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)


def _exit_code_of_stopped(spec: Mapping[str, object], folder: Path, *, grace_seconds: int, hook: bool = True) -> int:
    """Exit code of a stopped program, which says the signal it got: 0 for SIGTERM, 7 for SIGINT."""
    ready = folder / "ready"
    code = (
        "import signal, sys, time, pathlib\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(7))\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
        "time.sleep(60)"
    )

    async def run() -> int:
        async with httpx.AsyncClient() as http:
            container = Container.from_dict({"name": "c", "image": "contentgen:dev", **spec})
            running = RunningContainer(container, "127.0.0.1", folder / "log", http, lambda: None)
            made = Process((sys.executable, "-c", code), {"PATH": os.defpath})
            task = asyncio.create_task(running.run(lambda: made, "Never"))
            await asyncio.to_thread(_wait_for, ready)
            await running.stop(grace_seconds, hook=hook)
            return await task

    return asyncio.run(run())


def test_a_stopped_container_gets_sigterm_and_time_to_end(tmp_path: Path) -> None:
    assert _exit_code_of_stopped({}, tmp_path, grace_seconds=10) == 0


def test_a_hook_before_the_end_may_signal_the_containers_first_process(tmp_path: Path) -> None:
    hook = {"exec": {"command": ["sh", "-c", "kill -INT 1; sleep 30"]}}
    assert _exit_code_of_stopped({"lifecycle": {"preStop": hook}}, tmp_path, grace_seconds=60) == 7


def test_a_runner_that_ends_runs_no_hooks_because_nobody_is_sent_to_its_pods_any_more(tmp_path: Path) -> None:
    hook = {"exec": {"command": ["sh", "-c", "kill -INT 1; sleep 30"]}}
    spec = {"lifecycle": {"preStop": hook}}
    assert _exit_code_of_stopped(spec, tmp_path, grace_seconds=60, hook=False) == 0


@pytest.mark.parametrize("how", ["hook", "probe", "first process"])
def test_nothing_that_a_container_started_outlives_it(how: str, tmp_path: Path) -> None:
    mark = f"{int(time.time() * 1000)}.5"
    left_behind = {"exec": {"command": ["sh", "-c", f"kill -INT 1; sleep {mark} & wait"]}}
    if how == "hook":
        assert _exit_code_of_stopped({"lifecycle": {"preStop": left_behind}}, tmp_path, grace_seconds=60) == 7
    elif how == "probe":
        probe = {"exec": {"command": ["sh", "-c", f"sleep {mark} & wait"]}, "timeoutSeconds": 1, "failureThreshold": 1}
        assert _run(tmp_path, {"startupProbe": probe}, "import time; time.sleep(60)", "Never")[1] == 137
    else:
        assert _run(tmp_path, {}, f"import subprocess; subprocess.Popen(['sleep', '{mark}'])", "Never")[1] == 0
    found = [one for one in psutil.process_iter(["cmdline"]) if mark in (one.info["cmdline"] or [])]
    assert psutil.wait_procs(found, timeout=10)[1] == []


def test_a_probe_that_cannot_be_started_has_failed_and_is_asked_again(tmp_path: Path) -> None:
    """A machine without memory for one more process says so before the program begins."""

    async def execute(command: Sequence[str], seconds: float) -> int:
        raise SubprocessError("Exception occurred in preexec_fn.")

    async def run() -> str | None:
        probe = Probe.from_dict({"exec": {"command": ["true"]}})
        async with httpx.AsyncClient() as http:
            return await ask(probe, Container.from_dict({"name": "c"}), "127.0.0.1", execute, http)

    assert asyncio.run(run()) == "SubprocessError: Exception occurred in preexec_fn."
