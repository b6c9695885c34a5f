"""Meaning of each image that can run on this machine: program, user, additions.

An addition is what a container runtime would bring: an address of its own to listen on, a home, a name service. What
the pod declares is passed on as it is.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from localcloud import debian, pgbouncer, postgres, redis
from localcloud.images import ImageNotFound, Registry, application
from localcloud.own_images import OwnImageError, own_image, own_images, runnable
from localcloud.project import SERVERS, project
from localcloud.runner import poolers
from localcloud.runner.addresses import PRIVILEGED, SHIFT
from localcloud.servers import Identity, unprivileged

RELOADING = Path(__file__).resolve().parent / "reloading.py"
NAMES_FOLDER = Path(__file__).resolve().parent / "names"


class ImageError(Exception):
    """A container cannot be started from what its pod declares."""


@dataclass(frozen=True)
class Machine:
    """Additions of the embedded cloud to containers of ours: AWS endpoint, name table, certificates, image registry."""

    aws_endpoint: str
    hosts_file: Path
    ca_file: Path
    registry: Registry


@dataclass(frozen=True)
class Start:
    """A container about to start: what it declares, with its mounts already translated to folders.

    ``translated`` does the same to a text, such as a configuration that names other files. ``identity`` are the
    variables of the pod's AWS identity; without one it has no credentials.
    """

    command: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    address: str
    namespace: str
    region: str
    home: Path
    machine: Machine
    translated: Callable[[str], str]
    identity: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Process:
    """Process to execute. ``prepare`` runs first, in a thread, and may take seconds. One that ``reloads`` runs its
    program anew in place when it is asked to.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    identity: Identity | None = None
    prepare: Callable[[], None] | None = None
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reloads: bool = False


def image_name(image: str) -> str | None:
    """The application's, postgres, redis, pgbouncer, or one of ``images/``; None for one that is only simulated."""
    found = re.search(runnable(project()), image)
    return found[2] if found else None


def owner_of(image: str) -> Identity | None:
    """Owner of the volumes of a pod of that image: servers drop root, our application runs as this process's user."""
    return unprivileged() if image_name(image) in SERVERS else None


def is_application(image: str) -> bool:
    """True for an image that a development session replaces."""
    own = project().application
    return own is not None and image_name(image) == own.image


def process(image: str, start: Start) -> Process:
    """Raises ImageError for an image or a command that cannot be run here."""
    adapters: dict[str, Callable[[str, Start], Process]] = dict.fromkeys(own_images(project()), _own)
    adapters |= {"postgres": _postgres, "redis": _redis, "pgbouncer": _pgbouncer}
    if own := project().application:
        adapters[own.image] = _application
    name = image_name(image)
    if name is None or name not in adapters:
        raise ImageError(f"image {image} cannot be run on this machine; those that can: {', '.join(adapters)}")
    return adapters[name](image, start)


def _base(start: Start) -> dict[str, str]:
    return {
        "PATH": f"{postgres.home() / 'bin'}:{os.defpath}",
        "HOME": str(start.home),
        "TMPDIR": str(start.home),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }


def _application(image: str, start: Start) -> Process:
    try:
        program = start.machine.registry.pull(image) or project().folder
    except ImageNotFound as error:
        raise ImageError(str(error)) from None
    entry_point = start.command or ("python", "-m", application().package)
    argv = (*entry_point, *start.arguments)
    if argv[0] == "python":
        argv = (sys.executable, *argv[1:])
    reloads = start.machine.registry.development.checkout() is not None and argv[1:2] == ("-m",)
    if reloads:
        argv = (sys.executable, str(RELOADING), *argv[2:])
    return Process(argv, _python_environment(program, start), reloads=reloads)


def _own(image: str, start: Start) -> Process:
    """A program of ``images/``, by ENTRYPOINT and CMD of its Dockerfile."""
    try:
        own = own_image(str(image_name(image)), project())
    except OwnImageError as error:
        raise ImageError(str(error)) from None
    words = (*(start.command or own.entry_point), *(start.arguments or own.command))
    argv = (sys.executable, *words[1:]) if words[0] == "python" else words
    return Process(argv, _python_environment(own.folder, start))


def _python_environment(program: Path, start: Start) -> dict[str, str]:
    """Variables of a Python program in a folder: what its pod declares, and what a container runtime would bring."""
    added = {
        "HOST": start.address,
        "PYTHONPATH": f"{NAMES_FOLDER}:{program}",
        # Without it the folder that this runner works in would come before the image.
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "LOCALCLOUD_NAMES": str(start.machine.hosts_file),
        "LOCALCLOUD_NAMESPACE": start.namespace,
        "LOCALCLOUD_LOW_PORTS": f"{PRIVILEGED}+{SHIFT}",
        "SSL_CERT_FILE": str(start.machine.ca_file),
        "AWS_ENDPOINT_URL": start.machine.aws_endpoint,
        "AWS_DEFAULT_REGION": start.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        **start.identity,
    }
    return {**_base(start), **start.environment, **added}


def _postgres(_: str, start: Start) -> Process:
    variables = start.environment
    missing = [name for name in ("POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE") if name not in variables]
    if missing:
        raise ImageError(f"the postgres container lacks {', '.join(missing)}")
    data = Path(variables.get("PGDATA", str(start.home / "data")))
    # No socket: its path would be longer than the 107 bytes that the system allows.
    parameters = {**_settings(start.arguments), "unix_socket_directories": ""}
    server = postgres.PostgresServer(data, start.address, 5432, parameters)
    secret = Path(variables["POSTGRES_PASSWORD_FILE"]).read_text().strip()

    def initialise() -> None:
        server.initialise(variables["POSTGRES_USER"], secret, variables["POSTGRES_DB"])
        (data / "postmaster.pid").unlink(missing_ok=True)

    client = {**server.environment(), "PGHOST": start.address, "PGPORT": "5432", "PGPASSWORD": secret}
    programs = {name: (str(postgres.binary(name)),) for name in ("psql", "pg_isready", "pg_dump")}
    return Process(tuple(server.argv()), {**_base(start), **client}, server.identity(), initialise, programs)


def _settings(arguments: tuple[str, ...]) -> dict[str, str]:
    """The parameters of ``-c name=value ...``, the only form the official image's arguments take here."""
    pairs = list(zip(arguments[::2], arguments[1::2], strict=False))
    if len(arguments) % 2 or any(flag != "-c" or "=" not in value for flag, value in pairs):
        raise ImageError(f"postgres arguments must be -c name=value pairs, got {' '.join(arguments)}")
    return dict(value.split("=", 1) for _, value in pairs)


def _redis(_: str, start: Start) -> Process:
    origin = redis.origin()
    if start.arguments[:1] != ("redis-server",):
        raise ImageError(f"redis arguments must begin with redis-server, got {' '.join(start.arguments)}")
    server = redis.RedisServer(start.home, start.address, 6379)
    argv = (str(origin.program), *start.arguments[1:], "--bind", start.address)
    client = str(origin.program.with_name("redis-cli"))
    programs = {"redis-cli": (client, "-h", start.address)}
    return Process(
        argv, {**_base(start), **server.environment(), **start.environment}, server.identity(), None, programs
    )


def _pgbouncer(_: str, start: Start) -> Process:
    """As declared, but for its address and the names in it: a process here has neither a network nor DNS of its own."""
    if len(start.arguments) != 2 or start.arguments[0] != "pgbouncer":
        raise ImageError(f"pgbouncer arguments must be pgbouncer <file>, got {' '.join(start.arguments)}")
    declared = Path(start.arguments[1])
    own = start.home / "pgbouncer.ini"
    identity = pgbouncer.unprivileged()

    def prepare() -> None:
        text = start.translated(declared.read_text())
        names = json.loads(start.machine.hosts_file.read_text())
        own.touch(mode=0o600)
        try:
            own.write_text(poolers.localised(text, start.address, start.namespace, names))
        except poolers.UnknownName as unknown:
            raise ImageError(str(unknown)) from None
        if identity:
            os.chown(own, identity.uid, identity.gid)

    found = pgbouncer.origin()
    environment = {**_base(start), **debian.environment(found.libraries), **start.environment}
    return Process((str(found.program), str(own)), environment, identity, prepare)
