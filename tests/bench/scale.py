"""Growth of the time with services and regions: our components, and a flat program of the same resources, each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.catalog.regions import REGIONS
from localcloud.cloud import Cloud
from tests.bench.document import Section, machine
from tests.bench.phases import Program, Subject, begin, flat_program, listed, median, once, seconds, write_flat

PROGRAM: Final = Path(__file__).resolve().parent / "scaled"
SHAPES: Final = ((1, 1), (1, 5), (1, 20), (2, 5), (3, 5))
"""Regions and services in each."""
PHASES: Final = ("first up", "no-op preview", "no-op up")


@dataclass(frozen=True)
class Reading:
    """One shape by both programs; ``resources`` are without components."""

    regions: int
    services: int
    resources: int
    ours: dict[str, float]
    flat: dict[str, float]

    def row(self) -> tuple[str, ...]:
        figures = (
            f"{seconds(self.ours[phase])} / {seconds(self.flat[phase])} = {self.ours[phase] / self.flat[phase]:.2f}"
            for phase in PHASES
        )
        return (str(self.regions), str(self.services), str(self.resources), *figures)


def section(root: Path) -> Section:
    """Every shape in turn; pods are simulated, so what is measured is the program, the engine and the API server."""
    return told([_reading(root / f"{regions}-{services}", regions, services) for regions, services in SHAPES])


def told(readings: Sequence[Reading]) -> Section:
    """The readings of SHAPES as a table, in words and as plots."""
    head = ("regions", "services in each", "resources", *(f"{phase}: ours / flat" for phase in PHASES))
    more_services = [one for one in readings if one.regions == 1]
    more_regions = [one for one in readings if one.services == more_services[1].services]
    text = (
        "Namespaces with services and their autoscalers, by our components and by a flat program of the same "
        f"resources by the provider's own classes; phases that change nothing are medians of three. On {machine()}. "
        "Command: `python -m tests.bench scale`.\n\n"
        f"{_growth(more_services[1], more_services[-1])} {_growth(more_regions[0], more_regions[-1])}\n\n"
        + _plot("Seconds by services in one region", "services", [one.services for one in more_services], more_services)
        + "\n\n"
        + _plot("Seconds by regions of five services", "regions", [one.regions for one in more_regions], more_regions)
    )
    return Section("Growth", text, head, tuple(one.row() for one in readings))


def _reading(root: Path, regions: int, services: int) -> Reading:
    root.mkdir()
    codes = [region.code for region in REGIONS[:regions]]
    flat_list = root / "flat.json"
    cloud, subject = begin(root, codes, Program(PROGRAM, {"SCALED_SERVICES": str(services)}))
    ours = _phases(cloud, subject, flat_list)
    cloud, subject = begin(root, codes, flat_program(flat_list, ["sts"]))
    return Reading(regions, services, listed(flat_list), ours, _phases(cloud, subject, None))


def _phases(cloud: Cloud, subject: Subject, flat_list: Path | None) -> dict[str, float]:
    found = {
        "first up": once(subject, "up", "--yes", "--skip-preview"),
        "no-op preview": median(subject, "preview"),
        "no-op up": median(subject, "up", "--yes", "--skip-preview"),
    }
    if flat_list:
        write_flat(subject, flat_list)
    cloud.down(print)
    return found


def _growth(small: Reading, large: Reading) -> str:
    """Linear growth has every factor at most that of the resources."""
    factors = ", ".join(f"{phase} {large.ours[phase] / small.ours[phase]:.1f}" for phase in PHASES)
    return (
        f"From {small.regions} x {small.services} to {large.regions} x {large.services} services the resources grow "
        f"by {large.resources / small.resources:.1f}, the times by: {factors}."
    )


def _plot(title: str, axis: str, places: Sequence[int], readings: Sequence[Reading]) -> str:
    lines = "\n".join(f"    line [{', '.join(f'{one.ours[phase]:.1f}' for one in readings)}]" for phase in PHASES)
    return (
        f'```mermaid\nxychart-beta\n    title "{title}: {", ".join(PHASES)}"\n'
        f'    x-axis "{axis}" [{", ".join(map(str, places))}]\n    y-axis "seconds"\n{lines}\n```'
    )
