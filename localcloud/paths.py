"""Folders outside the checkout: built tools (cache) and the files of a running stack (state).

Both are named so that a checkout never holds a running system's files, and so that two checkouts on one machine do not
share a stack. Where the user is root both are under /var, because Postgres drops to an unprivileged user that may not
read root's home.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from localcloud.project import project

IMPORTED_FROM = Path(__file__).resolve().parent.parent
"""Folder that localcloud is imported from: a checkout, or the packages of an environment."""


def _chosen(variable: str) -> Path | None:
    folder = os.environ.get(project().variable(variable))
    return Path(folder).resolve() if folder else None


def _usual(root_default: str, xdg_variable: str, home_default: str) -> Path:
    base = Path(root_default) if os.geteuid() == 0 else Path(os.environ.get(xdg_variable) or Path.home() / home_default)
    return base / project().name


def cache_root() -> Path:
    """Folder of files that can be made again: built tools, unpacked servers. ``PREFIX_CACHE`` overrides it."""
    return _chosen("CACHE") or _usual("/var/cache", "XDG_CACHE_HOME", ".cache")


def state_root() -> Path:
    """Folder of the files that this checkout's stacks own while they run. ``PREFIX_STATE`` overrides it."""
    checkout = hashlib.sha256(str(project().folder).encode()).hexdigest()[:10]
    return _chosen("STATE") or _usual("/var/lib", "XDG_STATE_HOME", ".local/state") / checkout


def cloud_file(cloud: Path) -> Path:
    """Description of the cloud in that folder: what the program and other processes have to know of it."""
    return cloud / "cloud.json"


def images_folder(cloud: Path) -> Path:
    """The image registry of the cloud in that folder."""
    return cloud / "images"


def names_table(cloud: Path, region: str) -> Path:
    """Addresses of a region's Services and managed stores, as the runner of the cloud in that folder writes them."""
    return cloud / "regions" / region / "names.json"


def unlistened_table(names: Path) -> Path:
    """Services of the same region that cannot be listened on, with the reason, beside its table of names."""
    return names.with_name("unlistened.json")
