"""The volumes of a pod as folders on this machine, and the translation of the paths a container sees them at.

A process here has no file system of its own, so every mount path that stands in its variables or arguments is replaced
by the folder that is behind it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from lightkube.models.core_v1 import Container, Volume
from lightkube.resources.core_v1 import Pod

from localcloud.runner.variables import MissingReference, References
from localcloud.servers import Identity

SECRET_MODE = 0o400


def prepare(
    pod: Pod, references: References, pod_folder: Path, claims: Path, owner: Identity | None
) -> dict[str, Path]:
    """Makes or refreshes every volume; claims keep their data beyond the pod. Raises MissingReference."""
    assert pod.spec is not None
    found = {}
    for volume in pod.spec.volumes or []:
        folder = _claim(volume, claims) or pod_folder / "volumes" / volume.name
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in _files(volume, references).items():
            _write(folder / name, content)
        _own(folder, owner)
        found[volume.name] = folder
    return found


def mounts(container: Container, volumes: Mapping[str, Path]) -> dict[str, Path]:
    """Mount path to folder for one container."""
    return {
        mount.mountPath: volumes[mount.name] / mount.subPath if mount.subPath else volumes[mount.name]
        for mount in container.volumeMounts or []
        if mount.name in volumes
    }


def translated(text: str, mounted: Mapping[str, Path]) -> str:
    """The text with mount paths replaced, the longest first, only where a whole path component matches."""
    for path in sorted(mounted, key=len, reverse=True):
        text = re.sub(rf"(?<![\w./-]){re.escape(path)}(?=/|$|[\s:,;\"'])", str(mounted[path]), text)
    return text


def remove(pod_folder: Path) -> None:
    shutil.rmtree(pod_folder, ignore_errors=True)


def _claim(volume: Volume, claims: Path) -> Path | None:
    return claims / volume.persistentVolumeClaim.claimName if volume.persistentVolumeClaim else None


def projected_secrets(volume: Volume) -> list[str]:
    """Names of the secrets that a projected volume puts into one folder."""
    sources = (volume.projected.sources or []) if volume.projected else []
    return [one.secret.name for one in sources if one.secret and one.secret.name]


def _files(volume: Volume, references: References) -> dict[str, bytes]:
    if volume.secret and volume.secret.secretName:
        values = references.secret(volume.secret.secretName)
        items = volume.secret.items
    elif volume.configMap and volume.configMap.name:
        values = {key: text.encode() for key, text in references.config_map(volume.configMap.name).items()}
        items = volume.configMap.items
    elif volume.projected:
        # Of what can be projected our pods use whole secrets.
        return {key: value for name in projected_secrets(volume) for key, value in references.secret(name).items()}
    else:
        return {}
    if not items:
        return dict(values)
    missing = [item.key for item in items if item.key not in values]
    if missing:
        raise MissingReference(f"volume {volume.name}: no key {', '.join(missing)}")
    return {item.path: values[item.key] for item in items}


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    scratch.touch(mode=0o600)
    scratch.write_bytes(content)
    scratch.chmod(SECRET_MODE)
    scratch.replace(path)


def _own(folder: Path, owner: Identity | None) -> None:
    if owner is None:
        return
    for path in (folder, *folder.iterdir()):
        os.chown(path, owner.uid, owner.gid)
