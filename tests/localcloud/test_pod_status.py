"""A pod's status is what its containers say, and stays it, whoever else writes it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import httpx2
import pytest
from lightkube import ApiError
from lightkube.resources.core_v1 import Pod

from localcloud.runner import pod as pods
from localcloud.runner.container import ContainerState
from localcloud.runner.pod import RunningPod
from localcloud.runner.status import PodStatus, pod_status
from tests.localcloud.waiting import happens


def _pod(**spec: object) -> Pod:
    return Pod.from_dict(
        {
            "metadata": {"name": "cpm-1", "namespace": "contentgen", "uid": "u-1"},
            "spec": {"containers": [{"name": "cpm", "image": "contentgen:dev"}], **spec},
        }
    )


def test_a_job_pod_succeeds_only_when_every_container_did() -> None:
    pod = _pod(restartPolicy="Never")
    ended = ContainerState(phase="terminated", exit_code=0, started_at="2026-01-01T00:00:00Z")
    assert pod_status(pod, {"cpm": ended}, "127.16.0.2", "now")["phase"] == "Succeeded"
    ended.exit_code = 1
    assert pod_status(pod, {"cpm": ended}, "127.16.0.2", "now")["phase"] == "Failed"


def test_a_pod_is_ready_when_all_its_containers_are() -> None:
    pod = _pod()
    state = ContainerState(phase="running", started_at="2026-01-01T00:00:00Z", ready=False, message="HTTP 503")
    status = pod_status(pod, {"cpm": state}, "127.16.0.2", "now")
    assert {one["type"]: one["status"] for one in status["conditions"]}["Ready"] == "False"
    assert "HTTP 503" in status["conditions"][-1]["message"]
    assert status["podIP"] == "10.16.0.2"


async def _told_again(told: str) -> list[str]:
    """Reports of a ready pod's readiness after its status has become ``told``, until it agrees again."""
    pod = _pod()
    said: list[str] = []

    class Client:
        async def patch(self, kind: type, name: str, content: dict[str, PodStatus], **_: object) -> None:
            said.append({one["type"]: one["status"] for one in content["status"]["conditions"]}["Ready"])

    running = RunningPod(pod, "127.16.0.2", SimpleNamespace(client=Client()))  # type: ignore[arg-type]
    container = SimpleNamespace(state=ContainerState(phase="running", started_at="2026-01-01T00:00:00Z", ready=True))
    running._containers = {"cpm": container}  # type: ignore[dict-item]
    reporting = asyncio.create_task(running._report())
    try:
        await happens(lambda: said == ["True"])
        changed = {"conditions": [{"type": "Ready", "status": told}]}
        running.observe(Pod.from_dict({**pod.to_dict(), "status": changed}))
        if told == "False":
            await happens(lambda: len(said) > 1)
        else:
            for _ in range(5):
                await asyncio.sleep(0)
        return said
    finally:
        reporting.cancel()


def test_a_pod_that_somebody_else_has_called_unready_is_called_ready_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the node controller does with the pods of a node that it took for lost; it never takes that back."""
    monkeypatch.setattr(pods, "CORRECTION_SECONDS", 0.0)
    assert asyncio.run(_told_again("False")) == ["True", "True"]


def test_a_pods_own_status_is_not_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pods, "CORRECTION_SECONDS", 0.0)
    assert asyncio.run(_told_again("True")) == ["True"]


def test_a_status_that_is_refused_is_no_reason_to_tell_none_after_it(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[str] = []

    class Client:
        async def patch(self, kind: type, name: str, content: object, **_: object) -> None:
            asked.append(name)
            if len(asked) == 1:
                request = httpx2.Request("PATCH", "http://127.0.0.1/")
                body = {"kind": "Status", "code": 422, "message": "no such phase", "reason": "x", "status": "Failure"}
                raise ApiError(request=request, response=httpx2.Response(422, json=body, request=request))

    async def run() -> None:
        running = RunningPod(_pod(), "127.16.0.2", SimpleNamespace(client=Client()))  # type: ignore[arg-type]
        state = ContainerState(phase="running", started_at="2026-01-01T00:00:00Z", ready=True)
        running._containers = {"cpm": SimpleNamespace(state=state)}  # type: ignore[dict-item]
        reporting = asyncio.create_task(running._report())
        await happens(lambda: len(asked) == 1)
        running._dirty.set()
        await happens(lambda: len(asked) == 2)
        reporting.cancel()

    asyncio.run(run())
    assert "status of contentgen/cpm-1 was refused" in caplog.text and "no such phase" in caplog.text
