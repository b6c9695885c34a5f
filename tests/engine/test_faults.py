"""Faults that may happen to a running stack at any moment, and that the next ``up`` makes it whole again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from localcloud import processes
from localcloud.cloud import MINIMUM_FREE_BYTES
from tests.engine.world import World, finished_job


def up_in_mid_update(world: World) -> subprocess.Popen[str]:
    """An `up` at the moment when it makes the worker anew."""
    world.kubectl("local", "-n", "contentgen", "delete", "deployment/worker", "--wait=true")
    world.engine("local").quietly("refresh", "--yes", "--skip-preview", "--stack", "local")
    running = world.start("up", "--stack", "local")
    assert running.stdout is not None
    assert any("local-us-east-1-worker-deployment creating" in line for line in running.stdout)
    return running


def engine_pid(world: World) -> int:
    return int((world.state / "local" / "engine.pid").read_text().split()[0])


def made_good(world: World, url: str) -> str:
    """Output of the next `up`, after which nothing is pending and a job is done."""
    done = world.command("up", "--stack", "local")
    assert done.returncode == 0, done.stdout[-4000:]
    assert world.engine("local").pending_operations() == 0
    assert finished_job(url)["status"] == "completed"
    return done.stdout


def test_an_engine_killed_in_mid_update_is_recovered_by_the_next_up(world: World, url: str) -> None:
    running = up_in_mid_update(world)
    pid = engine_pid(world)
    os.kill(pid, signal.SIGKILL)
    running.communicate()
    assert running.returncode != 0
    assert "an earlier update was cut off" in made_good(world, url)


def test_a_second_command_waits_for_the_first_and_both_are_done(world: World, url: str) -> None:
    running = up_in_mid_update(world)
    done = world.command("preview", "--stack", "local")
    rest, _ = running.communicate()
    assert running.returncode == 0, rest[-3000:]
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"process {running.pid} (contentgen up --stack local) is at work on local: waiting" in done.stdout


def test_a_down_killed_half_way_is_made_good_by_the_next_up(world: World, url: str) -> None:
    running = world.start("down", "--ordered", "--stack", "local")
    assert running.stdout is not None
    assert any("local-us-east-1-cpm-deployment deleted" in line for line in running.stdout)
    running.kill()
    os.kill(engine_pid(world), signal.SIGKILL)
    running.communicate()
    assert "an earlier update was cut off" in made_good(world, url)
    schedules = world.kubectl("local", "-n", "contentgen", "get", "cronjobs", "-o", "name").split()
    assert "cronjob.batch/backup" in schedules


def test_a_runner_that_ends_in_mid_update_is_told_at_once_and_made_good_by_the_next_up(world: World, url: str) -> None:
    running = up_in_mid_update(world)
    runner = processes.find(world.state / "local" / "logs", "runner")
    assert runner is not None
    os.kill(runner.pid, signal.SIGKILL)
    rest, _ = running.communicate(timeout=90)
    assert running.returncode == 3, rest[-3000:]
    assert "runner ended while the stack was being deployed" in rest
    made_good(world, url)


def test_an_interrupted_up_ends_cleanly_and_the_next_one_goes_on(world: World, url: str) -> None:
    running = world.start("up", "--stack", "local")
    assert running.stdout is not None
    for line in running.stdout:
        if "Previewing update" in line or "Updating" in line:
            break
    os.killpg(running.pid, signal.SIGINT)
    rest, _ = running.communicate(timeout=60)
    assert running.returncode in (1, 130), rest[-3000:]
    assert not list((world.engine("local").home / "backend" / ".pulumi" / "locks").rglob("*.json"))
    assert world.command("up", "--stack", "local").returncode == 0


def test_lost_aws_memory_is_noticed_and_made_again(world: World, url: str) -> None:
    daemon = processes.find(world.state / "local" / "logs", "aws")
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(daemon.pid)] if psutil.pid_exists(daemon.pid) else [], timeout=10)
    done = world.command("up", "--stack", "local")
    assert done.returncode == 0, done.stdout[-4000:]
    assert "AWS lost its data" in done.stdout
    buckets = world.aws("local", "s3").list_buckets()["Buckets"]
    assert sorted(one["Name"].rpartition("-")[0] for one in buckets) == ["local-backup-bucket", "local-logs-bucket"]


def test_a_component_of_the_control_plane_that_ended_is_started_again(world: World, url: str) -> None:
    [region] = world.cloud("local").regions
    cluster = world.embedded("local").cluster(region.name, region.network)
    manager = psutil.Process(cluster.processes()["kube-controller-manager"])
    manager.kill()
    psutil.wait_procs([manager], timeout=10)
    assert cluster.ended() == ["kube-controller-manager"]
    done = world.command("up", "--stack", "local")
    assert done.returncode == 0, done.stdout[-4000:]
    assert cluster.ended() == []


def test_a_pod_that_the_control_plane_took_for_lost_is_ready_again(world: World, url: str) -> None:
    """The node controller says so of every pod of a node without a sign of life, and never takes it back."""
    conditions = [{"type": "Ready", "status": "False", "reason": "NodeNotReady"}]
    patch = json.dumps({"status": {"conditions": conditions}})
    command = ("-n", "contentgen", "patch", "pod", "postgres-0", "--subresource=status", "--patch", patch)
    said = json.loads(world.kubectl("local", *command, "-o", "json"))
    assert {"Ready": "False"}.items() <= {one["type"]: one["status"] for one in said["status"]["conditions"]}.items()
    world.kubectl("local", "-n", "contentgen", "wait", "--for=condition=Ready", "pod/postgres-0", "--timeout=60s")


def test_lost_cluster_data_is_noticed_and_made_again(world: World, url: str) -> None:
    described = world.cloud("local")
    [region] = described.regions
    world.embedded("local").cluster(region.name, region.network).delete()
    done = world.command("up", "--stack", "local")
    assert done.returncode == 0, done.stdout[-4000:]
    assert "us-east-1 lost its data" in done.stdout
    assert finished_job(world.cloud("local").regions[0].url)["status"] == "completed"


def test_a_restarted_machine_goes_on_with_its_data(world: World, url: str) -> None:
    before = finished_job(url)
    everything = world.processes()
    family = [child for process in everything for child in process.children(recursive=True)] + everything
    for process in family:
        if process.is_running():
            process.kill()
    psutil.wait_procs(family, timeout=20)
    assert world.processes() == []
    done = world.command("up", "--stack", "local")
    assert done.returncode == 0, done.stdout[-4000:]
    after = world.cloud("local").regions[0].url
    assert httpx.get(f"{after}/status/{before['job_id']}", timeout=10).json()["result"] == before["result"]
    assert finished_job(after)["status"] == "completed"


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system with next to nothing left on it."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system to fill")
    folder = tmp_path / "full"
    folder.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["/bin/umount", str(folder)], check=True)


def test_a_full_disk_is_told_before_anything_starts(world: World, full_disk: Path) -> None:
    other = World(full_disk / "state", world.home)
    done = other.command("up", "--stack", "local")
    assert done.returncode == 3
    assert f"{full_disk / 'state'} has 0.0 GiB free" in done.stdout
    assert f"takes {MINIMUM_FREE_BYTES / 2**30:.0f} GiB" in done.stdout
    assert "CONTENTGEN_STATE" in done.stdout
    assert "Traceback" not in done.stdout
    assert other.processes() == []
    shutil.rmtree(full_disk / "state", ignore_errors=True)
