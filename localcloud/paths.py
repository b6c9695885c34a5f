"""Folders outside the checkout: built tools (cache) and the files of a running stack (state).

Both are named so that a checkout never holds a running system's files, and so that two checkouts on one machine do not
share a stack. Where the user is root both are under /var, because Postgres drops to an unprivileged user that may not
read root's home.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def _base(variable: str, root_default: str, xdg_variable: str, home_default: str) -> Path:
    if chosen := os.environ.get(variable):
        return Path(chosen).resolve()
    if os.geteuid() == 0:
        return Path(root_default)
    return Path(os.environ.get(xdg_variable) or Path.home() / home_default) / "contentgen"


def cache_root() -> Path:
    """Folder of files that can be made again: built tools, unpacked servers. ``CONTENTGEN_CACHE`` overrides it."""
    return _base("CONTENTGEN_CACHE", "/var/cache/contentgen", "XDG_CACHE_HOME", ".cache")


def state_root() -> Path:
    """Folder of the files that this checkout's stacks own while they run. ``CONTENTGEN_STATE`` overrides it."""
    if chosen := os.environ.get("CONTENTGEN_STATE"):
        return Path(chosen).resolve()
    checkout = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:10]
    return _base("CONTENTGEN_STATE", "/var/lib/contentgen", "XDG_STATE_HOME", ".local/state") / checkout


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
