"""A moto server, the providers, and boto3, each as a process or client of its own for the whole tier."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.aws.driver import Driver, provider_process
from tests.aws.world import Cloud, World, settings, start_server


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One server for the tier."""
    running = start_server(tmp_path_factory.mktemp("aws") / "ready.json")
    yield running
    running.process.terminate()
    running.process.communicate(timeout=10)


@pytest.fixture(scope="session")
def aws_driver(cloud: Cloud) -> Iterator[Driver]:
    """One aws provider for the tier."""
    with provider_process("localcloud.aws.provider") as driver:
        driver.configure(settings(cloud.endpoint))
        yield driver


@pytest.fixture(scope="session")
def random_driver() -> Iterator[Driver]:
    """One random provider for the tier."""
    with provider_process("localcloud.random.provider") as driver:
        yield driver


@pytest.fixture
def world(cloud: Cloud, aws_driver: Driver) -> World:
    """A test's own corner of the cloud."""
    return World(cloud, aws_driver)
