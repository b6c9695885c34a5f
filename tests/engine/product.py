"""A product's stack on the embedded cloud, and the checks that hold for every product."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import psutil

from infra.catalog.headers import SECURITY_HEADERS
from tests.engine.world import World, summary

UNTIL_DONE: str = "--timeout=300s"


@dataclass(frozen=True)
class ProductStack:
    """A stack that is up.

    world: the checkout and its embedded clouds.
    name: stack name.
    product: name of the product, and of its namespace.
    """

    world: World
    name: str
    product: str

    @property
    def production(self) -> bool:
        return self.name.endswith("-prod")

    @property
    def url(self) -> str:
        """Address of the edge."""
        return self.world.cloud(self.name).regions[0].url

    def client(self) -> httpx.Client:
        """A client with a session where the stack asks for one."""
        session = self.world.session(self.name) if self.production else {}
        return httpx.Client(base_url=self.url, headers=session, timeout=30)

    def kubectl(self, *arguments: str) -> str:
        """Answer of kubectl in the product's namespace."""
        return self.world.kubectl(self.name, "-n", self.product, *arguments)

    def until(self, kind: str, name: str, status: str) -> None:
        """Waits until a field of the object's status has its value."""
        self.kubectl("wait", f"{kind}/{name}", f"--for=jsonpath={{.status.{status.replace('=', '}=')}", UNTIL_DONE)

    def processes(self, pod: str) -> list[psutil.Process]:
        """Processes of a pod: each has the pod's name among its variables."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("INSTANCE_ID") == pod:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found

    def check_page(self, client: httpx.Client) -> None:
        """The page is shown with every security header once."""
        page = client.get("/")
        assert page.status_code == 200
        assert "text/html" in page.headers["content-type"]
        for name, value in SECURITY_HEADERS.items():
            assert page.headers.get_list(name) == [value]

    def run_job(self, cronjob: str) -> None:
        """A run of a scheduled job, to its end."""
        self.kubectl("create", "job", f"--from=cronjob/{cronjob}", f"{cronjob}-now")
        self.kubectl("wait", "--for=condition=Complete", UNTIL_DONE, f"job/{cronjob}-now")

    def check_second_up(self) -> None:
        """A second up changes nothing."""
        done = self.world.command("up", "--stack", self.name)
        assert done.returncode == 0, done.stdout[-4000:]
        assert "unchanged" in summary(done.stdout)
        assert not any(word in summary(done.stdout) for word in ("created", "updated", "replaced", "deleted"))


def up(world: World, name: str, product: str, first_use: str) -> Iterator[ProductStack]:
    """The stack, from ``up``, which shows the product's ``first_use``, until ``down``."""
    done = world.command("up", "--stack", name)
    assert done.returncode == 0, done.stdout[-4000:]
    assert first_use in done.stdout
    yield ProductStack(world, name, product)
    ordered = ["--ordered"] if name.endswith("-local") else []
    done = world.command("down", "--stack", name, *ordered)
    assert done.returncode == 0, done.stdout[-4000:]
    assert left_behind(world, name) == [], "a process of a pod outlives its stack"


def left_behind(world: World, stack: str) -> list[str]:
    """Processes with a variable that names the stack's folder, as every process of a pod has."""
    found = []
    for process in psutil.process_iter():
        try:
            variables = process.environ()
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if any(value.startswith(f"{world.state / stack}/") for value in variables.values()):
            found.append(f"{process.pid} {variables.get('INSTANCE_ID', '')}")
    return found
