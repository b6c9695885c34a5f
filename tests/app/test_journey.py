"""The whole way of a job through the three roles, as real processes on real servers."""

import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from conftest import Fleet, Servers, eventually, run_app

BODY = {
    "topic": "How to brew better coffee at home",
    "content_type": "blog",
    "client_id": "acme",
    "keywords": ["water"],
}


def finished(api: str, job_id: str) -> dict[str, object] | None:
    reply = httpx.get(f"{api}/status/{job_id}")
    assert reply.status_code == 200, reply.text
    job: dict[str, object] = reply.json()
    return job if job["status"] not in ("pending", "in_progress") else None


@pytest.mark.requirement("A04")
def test_a_job_is_accepted_written_by_im_and_shown(fleet: Fleet) -> None:
    with (
        fleet.process("cpm", "serve", "--role", "cpm") as (_, api),
        fleet.process("im", "serve", "--role", "im") as (_, im),
        fleet.process("worker", "worker", IM_URL=im) as (_, worker),
    ):
        reply = httpx.post(f"{api}/generate", json=BODY)
        assert reply.status_code == 202
        assert reply.json()["job_id"].startswith("use1-")
        job = eventually(lambda: finished(api, reply.json()["job_id"]))
        assert job["status"] == "completed"
        result = job["result"]
        assert isinstance(result, dict)
        assert result["title"] and len(result["sections"]) >= 2 and result["keywords_used"] == ["water"]
        assert 'content_requests_total{status="success"} 1.0' in httpx.get(f"{worker}/metrics").text


def test_many_jobs_at_once_all_end_exactly_once(fleet: Fleet) -> None:
    with (
        fleet.process("cpm", "serve", "--role", "cpm") as (_, api),
        fleet.process("im", "serve", "--role", "im") as (_, im),
        fleet.process("worker-1", "worker", IM_URL=im) as (_, first),
        fleet.process("worker-2", "worker", IM_URL=im) as (_, second),
    ):
        with ThreadPoolExecutor(16) as pool, httpx.Client() as client:
            ids = list(pool.map(lambda _: client.post(f"{api}/generate", json=BODY).json()["job_id"], range(200)))
        assert len(set(ids)) == 200
        for job_id in ids:
            assert eventually(lambda job_id=job_id: finished(api, job_id))["status"] == "completed"
        counts = [httpx.get(f"{url}/metrics").text for url in (first, second)]
        done = [
            float(text.split('content_requests_total{status="success"} ')[1].split()[0])
            for text in counts
            if "success" in text
        ]
        assert sum(done) == 200


def test_a_worker_killed_in_the_middle_of_a_job_loses_nothing(fleet: Fleet) -> None:
    with (
        fleet.process("cpm", "serve", "--role", "cpm") as (_, api),
        fleet.process("im", "serve", "--role", "im") as (held, im),
    ):
        with fleet.process("worker-1", "worker", IM_URL=im) as (victim, _):
            held.send_signal(signal.SIGSTOP)
            job_id = httpx.post(f"{api}/generate", json=BODY).json()["job_id"]
            eventually(lambda: httpx.get(f"{api}/status/{job_id}").json()["status"] == "in_progress")
            victim.kill()
            victim.wait()
            held.send_signal(signal.SIGCONT)
        with fleet.process("worker-2", "worker", IM_URL=im):
            job = eventually(lambda: finished(api, job_id))
        assert job["status"] == "completed"
        assert job["attempt"] == 2


def test_an_accepted_job_survives_the_death_of_the_api(fleet: Fleet) -> None:
    with fleet.process("cpm", "serve", "--role", "cpm") as (victim, api):
        job_id = httpx.post(f"{api}/generate", json=BODY).json()["job_id"]
        victim.kill()
        victim.wait()
    with (
        fleet.process("cpm", "serve", "--role", "cpm") as (_, api),
        fleet.process("im", "serve", "--role", "im") as (_, im),
        fleet.process("worker", "worker", IM_URL=im),
    ):
        assert eventually(lambda: finished(api, job_id))["status"] == "completed"


@pytest.mark.requirement("E02")
def test_all_configuration_errors_are_told_at_once_and_nothing_starts(fleet: Fleet, servers: Servers) -> None:
    wrong = {
        "PORT": "70000",
        "DATABASE_URL": "mysql://root:canary-password@x/y",
        "ENVIRONMENT": "prod",
        "DEV_MODE": "true",
    }
    done = run_app(fleet, "serve", "--role", "cpm", **wrong)
    assert done.returncode == 2
    for name in ("PORT", "DATABASE_URL", "DEV_MODE"):
        assert f"configuration: {name}:" in done.stderr
    assert "canary-password" not in done.stderr + done.stdout
