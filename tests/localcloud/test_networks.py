"""Loopback networks: never two clouds on one, and none lost for ever."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE

import pytest

from localcloud import networks
from localcloud.networks import FIRST_PORT, NoNetworkLeft, control_ports, give_back, is_free, reserve, reserve_ports

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTENTGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(networks, "_listening", set)
    monkeypatch.setattr(networks, "_hold", lambda number: True)


def cloud(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder


def test_clouds_that_start_together_get_networks_of_their_own(tmp_path: Path) -> None:
    clouds = [cloud(tmp_path, f"cloud-{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda owner: reserve(owner, REGIONS, {}), clouds))
    numbers = [number for one in found for number in one.values()]
    assert len(numbers) == len(set(numbers)) == 8 * len(REGIONS)


def test_clouds_that_start_together_get_ports_of_their_own_before_anybody_listens(tmp_path: Path) -> None:
    clouds = [cloud(tmp_path, f"cloud-{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda owner: reserve_ports(owner, REGIONS, {}), clouds))
    ports = [port for one in found for port in one.values()]
    assert len(ports) == len(set(ports)) == 8 * len(REGIONS)
    give_back(clouds[0])
    assert set(reserve_ports(cloud(tmp_path, "late"), REGIONS, {}).values()) & set(found[0].values())


def test_a_port_that_somebody_listens_on_is_left_alone_and_one_of_before_is_kept(tmp_path: Path) -> None:
    (first,) = reserve_ports(cloud(tmp_path, "first"), REGIONS[:1], {}).values()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        assert not is_free(listening.getsockname()[1])
    assert first >= FIRST_PORT
    assert reserve_ports(cloud(tmp_path, "again"), REGIONS[:1], {REGIONS[0]: first}) == {REGIONS[0]: first}


def test_a_region_keeps_the_network_it_has(tmp_path: Path) -> None:
    assert reserve(cloud(tmp_path, "it"), REGIONS, {"eu-west-1": 99})["eu-west-1"] == 99


def test_a_network_of_a_cloud_that_is_gone_is_free_again(tmp_path: Path) -> None:
    first = cloud(tmp_path, "first")
    taken = reserve(first, REGIONS, {})
    first.rmdir()
    assert reserve(cloud(tmp_path, "second"), REGIONS, {}) == taken


def test_what_is_given_back_is_free_and_what_others_have_is_not(tmp_path: Path) -> None:
    first, second = cloud(tmp_path, "first"), cloud(tmp_path, "second")
    mine, others = reserve(first, REGIONS, {}), reserve(second, REGIONS, {})
    give_back(first)
    again = reserve(cloud(tmp_path, "third"), REGIONS, {})
    assert again == mine
    assert not set(again.values()) & set(others.values())


def test_a_network_that_somebody_else_listens_on_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "_listening", lambda: {16, 17})
    assert reserve(cloud(tmp_path, "it"), ("us-east-1",), {}) == {"us-east-1": 18}


def test_a_machine_without_a_free_network_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "_listening", lambda: set(range(128)))
    with pytest.raises(NoNetworkLeft, match="make down"):
        reserve(cloud(tmp_path, "it"), REGIONS, {})


def test_each_control_plane_has_ports_that_neither_another_cloud_nor_the_kernel_chooses() -> None:
    chosen = [control_ports(network, 10) for network in range(networks.FIRST, networks.LAST + 1)]
    everything = [port for ports in chosen for port in ports]
    assert len(set(everything)) == len(everything)
    kernel = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert max(everything) < int(kernel[0])
    assert min(everything) > networks.LAST_PORT


def test_a_port_of_a_control_planes_stretch_that_somebody_listens_on_is_left_alone() -> None:
    before = control_ports(networks.LAST, 10)
    with socket.socket() as other:
        other.bind(("127.0.0.1", before[0]))
        other.listen()
        assert control_ports(networks.LAST, 9) == before[1:]


def test_too_few_free_ports_for_a_control_plane_are_told_with_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "is_free", lambda port: port % 8 == 0)
    with pytest.raises(NoNetworkLeft, match="needs 10 of the ports 10000 to 10031, 4 are free"):
        control_ports(networks.FIRST, 10)


RESERVE = """
import sys
from pathlib import Path
from localcloud import networks
networks._listening = set
print(*networks.reserve(Path(sys.argv[1]), ("us-east-1",), {}).values(), flush=True)
print(*networks.reserve_ports(Path(sys.argv[1]), ("us-east-1",), {}).values(), flush=True)
sys.stdin.read()
"""


def test_users_who_share_no_folder_get_numbers_of_their_own_while_their_clouds_start(tmp_path: Path) -> None:
    with ExitStack() as ends:
        found = []
        for user in ("first", "second"):
            command = [sys.executable, "-c", RESERVE, str(cloud(tmp_path, user))]
            own = {**os.environ, "CONTENTGEN_CACHE": str(tmp_path / f"cache-{user}")}
            process = ends.enter_context(subprocess.Popen(command, env=own, stdin=PIPE, stdout=PIPE, text=True))
            assert process.stdout is not None
            found.append((process.stdout.readline(), process.stdout.readline()))
        (network, port), (others_network, others_port) = found
        assert network != others_network
        assert port != others_port


def test_a_number_that_is_given_back_is_held_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("CONTENTGEN_CACHE", str(tmp_path / "cache"))
    owner = cloud(tmp_path, "it")
    (number,) = reserve(owner, REGIONS[:1], {}).values()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((networks.HOLD_HOST, networks.FIRST_HOLD_PORT + number))
    give_back(owner)
    with socket.socket() as other:
        other.bind((networks.HOLD_HOST, networks.FIRST_HOLD_PORT + number))
