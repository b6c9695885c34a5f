"""Makes the virtual environment from requirements.lock, with the standard library alone. Does nothing when it is whole.

pip installs the resolver that the lock names, by its hashes, and that installs the rest, several times faster. The
environment counts as whole when its marker holds the lock's hash, and the marker is written last.
"""

import hashlib
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
ENVIRONMENT = ROOT / ".venv"
MARKER = ENVIRONMENT / "lock.sha256"
MINIMUM_PYTHON = (3, 11)


def main() -> int:
    if sys.version_info < MINIMUM_PYTHON:
        have, want = ".".join(map(str, sys.version_info[:3])), ".".join(map(str, MINIMUM_PYTHON))
        print(f"python3 is {have}; this project needs {want} or newer. Fix: make PYTHON=/path/to/python{want} ...")
        return 3
    wanted = _key()
    if MARKER.exists() and MARKER.read_text() == wanted and (ENVIRONMENT / "bin" / "contentgen").exists():
        return 0
    print("making the virtual environment .venv: about a minute, mostly downloads", flush=True)
    MARKER.unlink(missing_ok=True)
    venv.create(ENVIRONMENT, with_pip=True, clear=False, symlinks=True)
    python = str(ENVIRONMENT / "bin" / "python")
    with tempfile.TemporaryDirectory() as folder:
        resolver = Path(folder) / "uv.lock.txt"
        resolver.write_text(_locked("uv"))
        install = [python, "-m", "uv", "pip"]
        here = ["-q", "--python", python]
        steps = [
            [python, "-m", "pip", "install", "-q", "--require-hashes", "--no-deps", "-r", str(resolver)],
            # Compiled once here: uncompiled, the cloud SDKs cost every run of the program some five seconds.
            [*install, "sync", *here, "--compile-bytecode", "--require-hashes", str(LOCK)],
            [*install, "install", *here, "--no-deps", "--no-build-isolation", "-e", str(ROOT)],
        ]
        for step in steps:
            if subprocess.run(step, check=False).returncode != 0:
                print("The environment is not whole. Fix: see the lines above; running the same command again goes on.")
                return 3
    MARKER.write_text(wanted)
    return 0


def _key() -> str:
    """Cache key of the environment: the lock, what the project installs, and the interpreter."""
    parts = (LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), sys.version.encode(), str(ROOT).encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _locked(name: str) -> str:
    """One package's lines of the lock, with its hashes."""
    found = re.search(rf"^{name}==.*?(?=^\S|\Z)", LOCK.read_text(), re.MULTILINE | re.DOTALL)
    if found is None:
        raise SystemExit(f"requirements.lock does not name {name}; fix: make lock")
    return found[0]


if __name__ == "__main__":
    sys.exit(main())
