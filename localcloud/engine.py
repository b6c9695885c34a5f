"""The Pulumi engine on an embedded cloud: its own home, state, workspace and environment, so that nothing of the user's
Pulumi, AWS or Kubernetes set-up is read or written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import psutil
import yaml

from localcloud import plugins
from localcloud.processes import boot_id
from localcloud.project import PULUMI_FILE, project
from localcloud.toolchain.compiler import Say
from localcloud.toolchain.origin import Toolchain

INTERRUPT_SECONDS = 20.0
LOOK_SECONDS = 2.0
GARBAGE_PERCENT = "400"
"""The engine writes the whole state at each step; usual garbage collection takes a sixth of its time for that."""
PARALLEL_OPERATIONS = 32
"""The engine's own is four a core, which a small machine's waiting Deployments take up while others could begin."""
ENGINE_KEYS = ("encryptionsalt", "secretsprovider", "encryptedkey")


class EngineError(Exception):
    """The engine ended with a failure; its own words were already shown."""


@dataclass(frozen=True)
class Engine:
    """The engine for one stack. ``folder`` is the embedded cloud's; ``cloud_file`` what the program is pointed at;
    ``checkout`` holds the program and the policies, those of another commit where a release goes back.
    """

    stack: str
    folder: Path
    cloud_file: Path
    toolchain: Toolchain
    checkout: Path = field(default_factory=lambda: project().folder)

    @property
    def home(self) -> Path:
        return self.folder / "pulumi"

    @property
    def workspace(self) -> Path:
        if self.checkout == project().folder:
            return self.folder / "workspace"
        return self.folder / f"workspace-{hashlib.sha256(str(self.checkout).encode()).hexdigest()[:10]}"

    @property
    def stack_file(self) -> Path:
        return self.workspace / f"Pulumi.{self.stack}.yaml"

    @property
    def checkpoint(self) -> Path:
        return self.home / "backend" / ".pulumi" / "stacks" / project().name / f"{self.stack}.json"

    @property
    def _destroying(self) -> Path:
        return self.folder / "destroying"

    def prepare(self, policy_config: Mapping[str, object], settings: Mapping[str, str], say: Say) -> None:
        """Makes home, plugins, workspace and stack. The checkout stays untouched: the stack file is a copy, with
        ``settings`` in place of what it says of them.
        """
        for folder in (self.home / "backend", self.workspace, self.folder / "tmp", self.folder / "home"):
            folder.mkdir(parents=True, exist_ok=True)
        passphrase = self.home / "passphrase"
        if not passphrase.exists():
            passphrase.touch(mode=0o600)
            passphrase.write_text(secrets.token_urlsafe(32))
        self._without_logs()
        plugins.install(self.home, self.toolchain, say)
        self._write_workspace(policy_config, settings)
        if not self.checkpoint.exists():
            self.quietly("stack", "init", self.stack)

    def _without_logs(self) -> None:
        """A file where the engine would put its own logs: it goes on without. They hold every property of every
        resource several times, which takes a tenth of a preview's time, and no setting turns them off.
        """
        logs = self.home / "logs"
        if not logs.exists():
            logs.write_text("The engine keeps no log of its own on the embedded cloud; `pulumi -v=9` shows one.\n")

    def environment(self) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("LANG", "TERM", "COLORTERM", "NO_COLOR") if key in os.environ}
        engine = self.toolchain.engine.command
        return {
            **kept,
            "PATH": f"{engine.parent}:{Path(sys.prefix) / 'bin'}:{os.defpath}",
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            # Without one the engine warns at every command.
            "XDG_RUNTIME_DIR": str(self.folder / "tmp"),
            "PULUMI_HOME": str(self.home),
            # Without a file of checksums beside each file, which nobody reads and every step of an update would write.
            "PULUMI_BACKEND_URL": f"file://{self.home / 'backend'}?metadata=skip",
            "GOGC": GARBAGE_PERCENT,
            "PULUMI_PARALLEL": str(PARALLEL_OPERATIONS),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.home / "passphrase"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
            "KUBECONFIG": str(self.folder / "home" / "no-kubeconfig"),
            project().variable("TARGET"): "local",
            project().variable("CLOUD"): str(self.cloud_file),
        }

    def run(
        self,
        *arguments: str,
        seconds: float = math.inf,
        require: Callable[[], None] = lambda: None,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """An engine command with its output on ours. Raises EngineError when it fails or outlasts ``seconds``.

        ``require`` raises when what the engine works on is gone: the engine itself would wait ten minutes for pods.

        The engine has a process group of its own: an interrupt is passed on once, so that it ends cleanly and state is
        written, instead of being killed with half of its plugins.
        """
        command = [str(self.toolchain.engine.command), *arguments, "--stack", self.stack]
        environment = {**self.environment(), **variables}
        child = subprocess.Popen(command, cwd=self.workspace, env=environment, start_new_session=True)
        (self.folder / "engine.pid").write_text(f"{child.pid} {boot_id()}")
        try:
            code = _wait(child, time.monotonic() + seconds, require)
        finally:
            _end_orphans(self.folder / "engine.pid")
        if code != 0:
            raise EngineError(f"pulumi {arguments[0]} ended with exit code {code}")

    def quietly(self, *arguments: str) -> str:
        """An engine command whose output is wanted, not shown. Raises EngineError with the engine's words."""
        command = [str(self.toolchain.engine.command), *arguments, "--non-interactive"]
        done = subprocess.run(
            command, cwd=self.workspace, env=self.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise EngineError(f"pulumi {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def recover(self, say: Say) -> None:
        """Recover from a killed engine: end its orphans, remove its lock, settle what it had begun."""
        self.end_leftovers()
        if list((self.home / "backend" / ".pulumi" / "locks").rglob("*.json")):
            say("an earlier update was cut off: releasing its lock")
            self.quietly("cancel", "--yes", "--stack", self.stack)
        if self.pending_operations() or self._destroying.exists():
            say("an earlier update was cut off: reading back what it had begun")
            self.refresh()
            self._destroying.unlink(missing_ok=True)

    def end_leftovers(self) -> None:
        """Ends what runs of an earlier command's engine, plugins and hosts too."""
        _end_orphans(self.folder / "engine.pid")

    def begin_destroy(self) -> None:
        """From here on the state may be behind what is there; ``recover`` reads it back when the end never came."""
        self._destroying.touch()

    def destroy(self, seconds: float) -> None:
        """Everything of the stack, after ``begin_destroy``. The state is written at the end alone: at each step it
        takes half of the time, and it goes away with the cloud.
        """
        self.run("destroy", "--yes", "--skip-preview", seconds=seconds, variables={"PULUMI_SKIP_CHECKPOINTS": "true"})

    def refresh(self) -> None:
        self.run("refresh", "--yes", "--skip-preview", "--clear-pending-creates")

    def pending_operations(self) -> int:
        if not self.checkpoint.exists():
            return 0
        latest = json.loads(self.checkpoint.read_text())["checkpoint"]["latest"] or {}
        return len(latest.get("pending_operations") or [])

    def policy_arguments(self) -> list[str]:
        """The project's policy pack with the configuration that ``prepare`` was given; nothing without a pack."""
        pack, config = project().policies, self.workspace / "policy-config.json"
        return ["--policy-pack", str(self.checkout / pack), "--policy-pack-config", str(config)] if pack else []

    def setting(self, key: str) -> str:
        """The value of a setting as the prepared workspace has it, which may not be the checkout's."""
        return str(yaml.safe_load(self.stack_file.read_text())["config"][key])

    def at(self, checkout: Path) -> Engine:
        """The engine of the same stack for the program of another checkout; prepared apart."""
        return replace(self, checkout=checkout)

    def _write_workspace(self, policy_config: Mapping[str, object], settings: Mapping[str, str]) -> None:
        described = yaml.safe_load((self.checkout / PULUMI_FILE).read_text())
        described["main"] = str(self.checkout / described.get("main", "."))
        own_environment = self.checkout / ".venv"
        elsewhere = self.checkout != project().folder and own_environment.exists()
        virtualenv = str(own_environment) if elsewhere else sys.prefix
        described["runtime"] = {"name": "python", "options": {"toolchain": "pip", "virtualenv": virtualenv}}
        (self.workspace / PULUMI_FILE).write_text(yaml.safe_dump(described))
        (self.workspace / "policy-config.json").write_text(json.dumps(policy_config, indent=2))
        # The engine's own keys are of the stack's state, so that every workspace has those of the first.
        first = self.at(project().folder).stack_file
        own = yaml.safe_load(first.read_text()) if first.exists() else {}
        wanted = yaml.safe_load((self.checkout / f"Pulumi.{self.stack}.yaml").read_text()) or {}
        kept = {key: value for key, value in (own or {}).items() if key in ENGINE_KEYS}
        merged = {**{key: value for key, value in wanted.items() if key not in ENGINE_KEYS}, **kept}
        merged["config"] = {**(merged.get("config") or {}), **settings}
        scratch = self.stack_file.with_suffix(".new")
        scratch.write_text(yaml.safe_dump(merged))
        scratch.replace(self.stack_file)


def _wait(child: subprocess.Popen[bytes], deadline: float, require: Callable[[], None]) -> int:
    """The exit code. Past the deadline, or without what it requires, the engine is ended.

    Raises KeyboardInterrupt when the engine was done before it heeded an interrupt: who asked for an end gets it.
    """
    interrupted = False
    while True:
        try:
            code = child.wait(LOOK_SECONDS)
        except KeyboardInterrupt:
            interrupted = True
            _interrupt(child)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                return _ended(child)
            try:
                require()
            except KeyboardInterrupt:
                interrupted = True
                _interrupt(child)
            except BaseException:
                # Whatever it was: the engine must not go on alone.
                _ended(child)
                raise
        else:
            if interrupted and code == 0:
                raise KeyboardInterrupt
            return code


def _ended(child: subprocess.Popen[bytes]) -> int:
    """Interrupted, and killed when it does not heed that."""
    _interrupt(child)
    try:
        return child.wait(INTERRUPT_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _interrupt(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGINT)


def _end_orphans(pid_file: Path) -> None:
    """Kills what is left of a killed engine's session: hosts and plugins do not notice that it is gone."""
    if not pid_file.exists():
        return
    session, _, boot = pid_file.read_text().partition(" ")
    # Before the machine was started again: that number is another session's now, or nobody's.
    ours = psutil.process_iter() if session.isdigit() and boot in ("", boot_id()) else ()
    for process in ours:
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(process.pid) == int(session):
                process.kill()
                process.wait(5)
    pid_file.unlink()
