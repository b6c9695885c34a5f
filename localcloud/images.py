"""The image registry of an embedded cloud: the application as it was when a release was made, kept by its content.

An image is a folder named by the SHA-256 of the files in it, so the same application is the same image, a change of it
is another, and a release that goes back runs the program of before rather than whatever the checkout holds by now. As
in a real registry, a digest that was never pushed cannot be pulled.
"""

from __future__ import annotations

import compileall
import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from localcloud.development import Development
from localcloud.project import FILE, Application, project

DIGEST: Final = re.compile(r"@sha256:([0-9a-f]{64})$")
_TAG: Final = re.compile(r"(:[^/:@]+)?(@[^/]+)?$")


class ImageNotFound(Exception):
    """No image of that digest was pushed to this embedded cloud, or its project has no application."""


@dataclass(frozen=True)
class Registry:
    """The images of one embedded cloud, in its own folder."""

    folder: Path

    @property
    def development(self) -> Development:
        """Session that replaces every image of the application, where there is one."""
        return Development(self.folder)

    def push(self, checkout: Path) -> str:
        """Keeps the application of a checkout and returns its digest, ``sha256:...``."""
        files = sorted(_files(checkout))
        digest = _digest(checkout, files)
        target = self.folder / digest
        if not target.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix="push-", dir=self.folder))
            # Readable to whoever a pod runs as.
            scratch.chmod(0o755)
            for path in files:
                copy = scratch / path.relative_to(checkout)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, copy)
            # Once here rather than in each process of each pod, whose Python may write nothing.
            compileall.compile_dir(scratch, quiet=2, workers=1)
            try:
                scratch.rename(target)
            except OSError:
                # Somebody else pushed the same at the same time.
                shutil.rmtree(scratch)
                if not target.exists():
                    raise
        return f"sha256:{digest}"

    def pull(self, image: str) -> Path | None:
        """The folder with the application of an image; None for one that is named by a tag, which is the checkout's.
        In a development session it is the session's checkout.

        Raises ImageNotFound for a digest that is not here.
        """
        if (checkout := self.development.checkout()) is not None:
            return checkout
        found = DIGEST.search(image)
        if found is None:
            return None
        folder = self.folder / found[1]
        if not folder.is_dir():
            known = ", ".join(sorted(path.name[:12] for path in self.folder.glob("[0-9a-f]*"))) or "none"
            raise ImageNotFound(
                f"{image} was never pushed to this embedded cloud, which has {known}; fix: {project().command} up"
            )
        return folder


def application() -> Application:
    """The application of this process's project. Raises ImageNotFound where it has none."""
    found = project().application
    if found is None:
        raise ImageNotFound(f"{project().folder / FILE} names no image and package; fix: add both to its table")
    return found


def by_digest(image: str, digest: str) -> str:
    """The reference of an image with its tag or digest replaced."""
    return f"{_TAG.sub('', image, count=1)}@{digest}"


def _files(checkout: Path) -> Iterator[Path]:
    for path in (checkout / application().package).rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def _digest(checkout: Path, files: list[Path]) -> str:
    total = hashlib.sha256()
    for path in files:
        name, content = str(path.relative_to(checkout)).encode(), path.read_bytes()
        total.update(b"%d %s %d " % (len(name), name, len(content)))
        total.update(content)
    return total.hexdigest()
