"""Command that writes the pinned checksums: ``python -m localcloud.toolchain.pinning``.

Files of repositories are read from the Go modules, which go.sum verifies; this works with a module proxy alone. With
``--releases`` those that the projects publish for their programs are pinned too, for every architecture, which takes
the release hosts: from then on a file that changes at its host is refused. To be run after a version changed.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator

from localcloud.toolchain import build, compiler, official, sums
from localcloud.toolchain.download import Downloads, Patience
from localcloud.toolchain.families import CRDS, FAMILIES, KUBERNETES

FROM_MODULES = (KUBERNETES, CRDS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--releases", action="store_true", help="pin what the release hosts publish, too")
    wanted = parser.parse_args()
    sums.write(dict(of_modules()))
    if wanted.releases:
        sums.write({**sums.pinned(), **dict(of_releases())})
    print(f"{len(sums.pinned())} checksums in {sums.SUMS}")


def of_modules() -> Iterator[tuple[str, str]]:
    """Address in the repository and SHA-256 of each file that is copied out of a module."""
    go = compiler.go_compiler(print)
    for family in FROM_MODULES:
        for files in family.files:
            folder = build.module_folder(files.module, family.source, go)
            address = official.repository_files(files.module, family.version_of(files.module))
            for path in sorted(folder.glob(files.pattern)):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                yield f"{address}{path.relative_to(folder).as_posix()}", digest


def of_releases() -> Iterator[tuple[str, str]]:
    """Address and published SHA-256 of each program. Raises DownloadError."""
    from localcloud.plugins import PLUGINS  # it imports this package

    with Downloads(Patience()) as downloads:
        for architecture in official.ARCHITECTURES.values():
            releases = [official.release_for(family, architecture) for family in FAMILIES]
            releases += [official.plugin_for(one.name, one.version, architecture) for one in PLUGINS]
            for artefact in (one for release in releases if release for one in release.artefacts if one.published):
                found = sums.published(downloads.text(artefact.published), artefact.name)
                if found is not None:
                    yield artefact.address, found


if __name__ == "__main__":
    main()
