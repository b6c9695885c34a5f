"""``contentgen dev``: a running stack whose pods follow the application's files as they are edited.

Pods keep what they declare: variables, secrets, probes, ports. Only the program comes from the checkout instead of
their image. At the end they run their image again; ``make up`` makes a new one of the edits.
"""

from __future__ import annotations

import asyncio
import compileall
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path

from localcloud import processes
from localcloud.cloud import RUNNER, CloudError
from localcloud.development import RENEW, Development, Renewal
from localcloud.images import Registry, application
from localcloud.paths import images_folder, state_root
from ops import deployment
from ops.checkout import CHECKOUT
from ops.console import Report
from ops.development import changes
from ops.development.keys import pressed
from ops.development.logs import PATTERN, Follower, Painter

KEYS = "s applies the stack file, r restarts the application's pods, q ends"
ANSWER_SECONDS = 40.0
LOOK_SECONDS = 0.05
_CONTENTGEN = Path(sys.prefix) / "bin" / "contentgen"


def dev(stack: str, report: Report) -> None:
    """Brings the stack up if it is not, and follows edits until a key, Ctrl-C or SIGTERM ends it. Raises CloudError."""
    folder = state_root() / stack
    development = Registry(images_folder(folder)).development
    if development.checkout() is not None:
        session = development.session()
        raise CloudError(
            f"process {session.pid if session else '?'} has a development session of {stack} already; fix: end that one"
        )
    if processes.find(folder / "logs", RUNNER) is None:
        deployment.up(stack, report)
    asyncio.run(Dev(stack, folder, development, report).run())


class Dev:
    """One session."""

    def __init__(self, stack: str, folder: Path, development: Development, report: Report) -> None:
        self._stack, self._folder, self._development, self._report = stack, folder, development, report
        self._ended = asyncio.Event()
        self._applying: asyncio.Task[None] | None = None
        self._restarting = asyncio.Lock()

    async def run(self) -> None:
        """Until it is ended; the pods run their image again then."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._ended.set)
        with pressed(self._key) as has_keys:
            tasks = [asyncio.create_task(work) for work in (self._logs(), self._application(), self._settings())]
            self._report.step(KEYS if has_keys else "no terminal, so no keys: an interrupt ends it")
            # Pods write no compiled files, so that each process would compile what a test run has not.
            await asyncio.to_thread(compileall.compile_dir, CHECKOUT / application().package, quiet=2)
            await self._restart(CHECKOUT, "the application's files")
            ending = asyncio.create_task(self._ended.wait())
            done, _ = await asyncio.wait({ending, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in (ending, *tasks):
                task.cancel()
            await asyncio.gather(ending, *tasks, return_exceptions=True)
            await self._end()
        for task in done - {ending}:
            task.result()

    def _key(self, key: str) -> None:
        if key == "q":
            self._ended.set()
        elif key == "r":
            self._applying = self._applying or self._begin(self._restart(CHECKOUT, "the application's files"))
        elif key == "s":
            self._applying = self._applying or self._begin(self._apply())

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        def done(_: asyncio.Task[None]) -> None:
            self._applying = None

        task = asyncio.create_task(work)
        task.add_done_callback(done)
        return task

    async def _application(self) -> None:
        async for files in changes.of_application(CHECKOUT):
            problems = await asyncio.to_thread(changes.prepare, files)
            for problem in problems:
                self._report.line(problem)
            if not problems:
                await self._restart(CHECKOUT, _names(files))

    async def _settings(self) -> None:
        async for file in changes.of_settings(CHECKOUT, self._stack):
            self._report.step(f"{file.name} changed: s applies it")

    async def _logs(self) -> None:
        follower = Follower(self._folder)
        follower.skip()
        painter = Painter(len({path.parts[-4] for path in self._folder.glob(PATTERN)}))
        while True:
            for line in follower.lines():
                self._report.console.print(painter.painted(line), soft_wrap=True)
            await asyncio.sleep(LOOK_SECONDS)

    async def _restart(self, checkout: Path | None, what: str) -> None:
        async with self._restarting:
            runner = processes.find(self._folder / "logs", RUNNER)
            if runner is None:
                self._report.step(f"{self._stack} is not running; s starts it again")
                return
            number = self._development.ask(checkout)
            with contextlib.suppress(ProcessLookupError):
                os.kill(runner.pid, RENEW)
            answer = await self._answer(number)
        if answer is None:
            self._report.step(f"the runner did not answer within {ANSWER_SECONDS:.0f} s; its log: {self._folder}/logs")
        else:
            self._tell(what, answer)

    async def _answer(self, number: int) -> Renewal | None:
        for _ in range(round(ANSWER_SECONDS / LOOK_SECONDS)):
            if (answer := self._development.answered(number)) is not None:
                return answer
            await asyncio.sleep(LOOK_SECONDS)
        return None

    def _tell(self, what: str, answer: Renewal) -> None:
        good = len(answer.pods) - len(answer.failed)
        self._report.step(f"{what}: {good} pods run it after {answer.seconds:.1f} s")
        for pod, problem in answer.failed.items():
            self._report.step(f"{pod}: {problem}")

    async def _apply(self) -> None:
        """``up`` in a process of its own, which an interrupt of this terminal reaches as well."""
        command = [str(_CONTENTGEN), "up", "--stack", self._stack]
        child = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
        code = await child.wait()
        self._report.step("the stack file is applied" if code == 0 else f"up ended with exit code {code}")

    async def _end(self) -> None:
        if self._applying is not None:
            await asyncio.gather(self._applying, return_exceptions=True)
        if processes.find(self._folder / "logs", RUNNER) is not None:
            await self._restart(None, "the image that each declares")
        self._development.end()
        self._report.step(f"{self._stack} runs on; `make up` makes an image of the edits, `make down` stops it")


def _names(files: Sequence[Path]) -> str:
    """The changed files: few by name, many by number."""
    names = [str(path.relative_to(CHECKOUT)) for path in files]
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} files"
