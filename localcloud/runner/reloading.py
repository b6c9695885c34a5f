"""Program that runs a module of Python and runs it anew on request: ``reloading.py MODULE ARGUMENTS``.

It forks a process that runs the module as ``python -m MODULE ARGUMENTS`` would, and imports for itself what that one
imported from outside the module's package, so that the next one has it from its start: in a development session an edit
changes the package alone, and the rest is most of a start. Run by its path, in the container's own environment, with a
socket as its input: each byte asks for a new process and is answered when the old one has ended. It ends with that
process, by the same exit code.
"""

import contextlib
import ctypes
import gc
import importlib
import os
import runpy
import select
import signal
import sys
import threading
import time
import traceback
from typing import NoReturn

GRACE_MILLISECONDS = 300
QUIET_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1


def _learned(modules: int, package: str) -> None:
    """Imports what the process has imported, by the names that it wrote. None of it is the package's."""
    with os.fdopen(modules) as names:
        for name in names.read().split():
            if name.partition(".")[0] not in (package, "__main__"):
                # It may be there only under conditions that the package makes.
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
    # What is shared now is never garbage, and looking through it would be most of the next one's collections.
    gc.collect()
    gc.freeze()


def _tell(modules: int) -> None:
    """In the process: names of its modules, once a second has passed in which it imported nothing."""
    known = 0
    while known != (known := len(sys.modules)):
        time.sleep(QUIET_SECONDS)
    with os.fdopen(modules, "w") as names:
        names.write("\n".join(list(sys.modules)))


def _start(module: str) -> tuple[int, int]:
    """The process id of a new process that is about to run the module, and a pipe with the names of its modules."""
    modules, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(modules)
        _run(module, told)
    os.close(told)
    return child, modules


def _run(module: str, told: int) -> NoReturn:
    threading.Thread(target=_tell, args=(told,), daemon=True).start()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    importlib.invalidate_caches()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - the last word of a process
        traceback.print_exc()
        code = 1
    # Not this program's own way out: the other process goes on.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _end(child: int) -> None:
    """SIGTERM, and SIGKILL to it and what it started."""
    os.kill(child, signal.SIGTERM)
    handle = os.pidfd_open(child)
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    waiting.poll(GRACE_MILLISECONDS)
    os.close(handle)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main() -> int:
    sys.argv = sys.argv[1:]
    module = sys.argv[0]
    child, modules = _start(module)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    while True:
        handle = os.pidfd_open(child)
        ready = _ready(0, handle, modules)
        os.close(handle)
        if modules in ready:
            _learned(modules, module)
            modules = -1
        elif 0 not in ready:
            _, status = os.waitpid(child, 0)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        else:
            asked = os.read(0, 1)
            _end(child)
            if not asked:
                return 0
            os.write(0, b"d")
            if modules >= 0:
                os.close(modules)
            child, modules = _start(module)


def _ready(*descriptors: int) -> set[int]:
    waiting = select.poll()
    for one in descriptors:
        if one >= 0:
            waiting.register(one, select.POLLIN)
    return {descriptor for descriptor, _ in waiting.poll()}


if __name__ == "__main__":
    sys.exit(main())
