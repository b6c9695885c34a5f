"""A development session: pods run the checkout while it lasts, and what runs is restarted on request."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace

import httpx
import psutil
import pytest
from lightkube.models.core_v1 import Container
from lightkube.resources.core_v1 import Pod

from localcloud.development import Development, Renewal
from localcloud.images import Registry
from localcloud.runner import container
from localcloud.runner.__main__ import Renewing
from localcloud.runner.container import RunningContainer
from localcloud.runner.images import RELOADING, Machine, Process, Start, process
from localcloud.runner.pod import RunningPod
from tests.localcloud.waiting import happens

SLEEPS = "import time; time.sleep(60)"
LATE = {"initialDelaySeconds": 3600, "periodSeconds": 60}
"""A probe that would be asked only after this test was given up."""


def test_pods_run_the_checkout_of_a_session_and_afterwards_their_image_again(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "app").mkdir(parents=True)
    (checkout / "app" / "__init__.py").write_text("")
    registry = Registry(tmp_path / "images")
    image = f"contentgen@{registry.push(checkout)}"
    declared = registry.pull(image)
    registry.development.ask(checkout)
    assert registry.pull(image) == checkout
    registry.development.ask(None)
    assert registry.pull(image) == declared
    registry.development.end()
    assert registry.development.session() is None
    assert declared is not None and len(list((tmp_path / "images").iterdir())) == 1


def test_a_session_is_over_with_the_process_that_began_it(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from localcloud.development import Development
Development(Path({str(tmp_path)!r})).ask(Path("/checkout"))
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])
    development = Development(tmp_path)
    session = development.session()
    assert session is not None and session.checkout == "/checkout"
    assert development.checkout() is None


def test_an_answer_to_an_earlier_request_is_none_to_a_later_one(tmp_path: Path) -> None:
    development = Development(tmp_path)
    first = development.ask(tmp_path)
    development.answer(Renewal(first, 1.5, ("cpm-1",), {"cpm-1": "ended with exit code 1"}))
    assert development.answered(first) == Renewal(first, 1.5, ("cpm-1",), {"cpm-1": "ended with exit code 1"})
    assert development.answered(development.ask(tmp_path)) is None


def test_the_application_reloads_in_a_session_and_is_itself_outside(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "images")
    machine = Machine("http://127.0.0.1:1", tmp_path / "names", tmp_path / "ca", registry)
    start = Start((), ("serve",), {}, "127.16.0.2", "contentgen", "us-east-1", tmp_path, machine, str)
    plain = process("contentgen:dev", start)
    assert plain.argv == (sys.executable, "-m", "app", "serve") and not plain.reloads
    registry.development.ask(tmp_path / "checkout")
    made = process("contentgen:dev", start)
    assert made.argv == (sys.executable, str(RELOADING), "app", "serve") and made.reloads
    assert made.environment["PYTHONPATH"].endswith(f":{tmp_path / 'checkout'}")


def _live(
    tmp_path: Path, spec: dict[str, object], made: Process, act: Callable[[RunningContainer], Awaitable[None]]
) -> None:
    """Runs a container while ``act`` does something to it, and ends it."""

    async def run() -> None:
        async with httpx.AsyncClient() as http:
            declared = Container.from_dict({"name": "c", "image": "contentgen:dev", **spec})
            running = RunningContainer(declared, "127.0.0.1", tmp_path / "log", http, lambda: None)
            task = asyncio.create_task(running.run(lambda: made, "Always"))
            try:
                await act(running)
            finally:
                task.cancel()
                await running.stop(1)
                await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


@pytest.fixture
def endless_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A back-off that is over only after the test was given up."""
    monkeypatch.setattr(container, "BACKOFF_FIRST_SECONDS", 3600.0)


@pytest.mark.usefixtures("endless_back_off")
def test_a_restarted_container_is_ready_without_the_delays_of_its_probes(tmp_path: Path) -> None:
    probe = {"exec": {"command": ["true"]}, **LATE}
    made = Process((sys.executable, "-c", SLEEPS), {"PATH": os.defpath})

    async def act(running: RunningContainer) -> None:
        await happens(lambda: running.state.phase == "running")
        first = running.state.pid
        assert not running.state.ready
        assert await running.renew(in_place=False) == ""
        assert running.state.ready
        assert (running.state.pid != first, running.state.restarts) == (True, 1)

    _live(tmp_path, {"startupProbe": probe, "readinessProbe": probe}, made, act)


@pytest.mark.usefixtures("endless_back_off")
def test_a_container_in_back_off_is_restarted_at_once_and_one_that_ends_again_is_named(tmp_path: Path) -> None:
    mended = tmp_path / "mended"
    code = f"import pathlib, sys, time; pathlib.Path({str(mended)!r}).exists() or sys.exit(3); time.sleep(60)"
    made = Process((sys.executable, "-c", code), {"PATH": os.defpath})

    async def act(running: RunningContainer) -> None:
        await happens(lambda: running.state.reason == "CrashLoopBackOff")
        assert await running.renew(in_place=False) == "ended with exit code 3"
        await happens(lambda: running.state.reason == "CrashLoopBackOff")
        mended.touch()
        assert await running.renew(in_place=False) == ""

    _live(tmp_path, {"readinessProbe": {"exec": {"command": ["test", "-e", str(mended)]}}}, made, act)


def _package(folder: Path) -> None:
    """A package that says which of its versions runs, and takes one module from elsewhere, which counts its imports."""
    (folder / "application").mkdir(parents=True)
    (folder / "elsewhere.py").write_text(f"open({str(folder / 'imports')!r}, 'a').write('x')\n")
    (folder / "application" / "__init__.py").write_text("")
    (folder / "application" / "__main__.py").write_text(
        "import sys, time, elsewhere\nfrom application import version\nprint(version.TEXT, *sys.argv[1:], flush=True)\n"
        "time.sleep(60)\n"
    )
    (folder / "application" / "version.py").write_text("TEXT = 'first'\n")


def _reloading(folder: Path) -> Process:
    environment = {"PATH": os.defpath, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return Process((sys.executable, str(RELOADING), "application", "serve"), environment, reloads=True)


def _said(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text().splitlines() if (tmp_path / "log").exists() else []


def test_a_reload_runs_the_edited_package_and_imports_nothing_else_again(tmp_path: Path) -> None:
    _package(tmp_path)
    imports = tmp_path / "imports"

    async def act(running: RunningContainer) -> None:
        await happens(lambda: _said(tmp_path) == ["first serve"])
        first = running.state.pid
        # Once by the program itself, and once to have it from then on.
        await happens(lambda: imports.read_text() == "xx")
        (tmp_path / "application" / "version.py").write_text("TEXT = 'edited'\n")
        assert await running.renew(in_place=True) == ""
        await happens(lambda: _said(tmp_path) == ["first serve", "edited serve"])
        assert (running.state.pid, running.state.restarts) == (first, 1)
        assert imports.read_text() == "xx"

    _live(tmp_path, {}, _reloading(tmp_path), act)


def test_a_program_that_fails_after_a_reload_is_named_with_its_words_and_comes_back_when_mended(tmp_path: Path) -> None:
    _package(tmp_path)
    probe = {"exec": {"command": ["false"]}, **LATE}

    async def act(running: RunningContainer) -> None:
        await happens(lambda: _said(tmp_path) == ["first serve"])
        version = tmp_path / "application" / "version.py"
        version.write_text("raise RuntimeError('on purpose')\n")
        assert await running.renew(in_place=True) == "ended with exit code 1"
        assert "RuntimeError: on purpose" in _said(tmp_path)
        version.write_text("TEXT = 'mended again'\n")
        running.spec = Container.from_dict({"name": "c"})
        assert await running.renew(in_place=True) == ""
        await happens(lambda: _said(tmp_path)[-1] == "mended again serve")

    _live(tmp_path, {"readinessProbe": probe}, _reloading(tmp_path), act)


def test_nothing_that_a_reloading_program_started_outlives_a_reload_or_its_end(tmp_path: Path) -> None:
    _package(tmp_path)
    mark = f"{int(time.time() * 1000)}.5"
    started = f"import subprocess; subprocess.Popen(['sleep', '{mark}']); print('started', flush=True)\n"
    main = tmp_path / "application" / "__main__.py"
    main.write_text(started + main.read_text())

    def asleep() -> list[psutil.Process]:
        return [one for one in psutil.process_iter(["cmdline"]) if mark in (one.info["cmdline"] or [])]

    async def act(running: RunningContainer) -> None:
        await happens(lambda: len(_said(tmp_path)) == 2)
        (first,) = asleep()
        assert await running.renew(in_place=True) == ""
        await happens(lambda: len(_said(tmp_path)) == 4)
        (second,) = asleep()
        assert second.pid != first.pid
        child = running._child
        assert child is not None
        child.kill()
        await happens(lambda: asleep() == [])

    _live(tmp_path, {}, _reloading(tmp_path), act)


def test_jobs_and_stores_are_left_alone_and_pods_of_the_application_are_restarted(tmp_path: Path) -> None:
    asked: list[str] = []

    def pod(image: str, policy: str) -> RunningPod:
        described = {"metadata": {"name": image, "namespace": "n", "uid": "u"}, "spec": {"restartPolicy": policy}}
        described["spec"]["containers"] = [{"name": "c", "image": image}]  # type: ignore[index]
        made = RunningPod(Pod.from_dict(described), "127.0.0.1", SimpleNamespace(logs=tmp_path, http=None))  # type: ignore[arg-type]
        assert made.pod.spec is not None
        only = made._container(made.pod.spec.containers[0])

        async def renew(*, in_place: bool) -> str:
            asked.append(image)
            return "late" if in_place else ""

        only.renew = renew  # type: ignore[method-assign]
        made._containers = {"c": only}
        return made

    pods = [pod("contentgen:dev", "Always"), pod("contentgen:job", "Never"), pod("redis:7", "Always")]
    found = [asyncio.run(one.renew(in_place=True)) for one in pods]
    assert found == [{"contentgen:dev": "late"}, {}, {}]
    assert asked == ["contentgen:dev"]


def test_the_runner_answers_each_request_once_with_every_regions_pods(tmp_path: Path) -> None:
    development = Development(tmp_path)
    asked: list[bool] = []

    def region(found: dict[str, str]) -> object:
        async def renew(*, in_place: bool) -> dict[str, str]:
            asked.append(in_place)
            return found

        return SimpleNamespace(kubelet=SimpleNamespace(renew=renew))

    async def run() -> None:
        renewing = Renewing(development, [region({"cpm-1": ""}), region({"cpm-2": "ended"})])  # type: ignore[list-item]
        for checkout in (tmp_path, None):
            number = development.ask(checkout)
            renewing.ask()
            renewing.ask()
            await happens(lambda number=number: development.answered(number) is not None)
            await asyncio.gather(*renewing._tasks)
            answer = development.answered(number)
            assert answer is not None
            assert (answer.pods, answer.failed) == (("cpm-1", "cpm-2"), {"cpm-2": "ended"})

    asyncio.run(run())
    assert asked == [True, True, False, False]


def test_what_is_written_is_read_whole(tmp_path: Path) -> None:
    Development(tmp_path).ask(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["development.json"]
    assert json.loads((tmp_path / "development.json").read_text())["pid"] == os.getpid()
