"""The page of what a real cluster must bring, from the table that the check reads."""

from __future__ import annotations

from ops.prerequisites import PREREQUISITES


def clusters_page() -> str:
    """docs/clusters.md."""
    rows = [f"| {one.name} | {one.needed} | {one.fix.replace('|', '/')} |" for one in PREREQUISITES]
    head = [
        "# Prerequisites of a real cluster",
        "",
        "Every region's cluster brings these; `contentgen clusters --stack STACK` checks each by name. Names of",
        "namespaces and classes are settings (`contentgen:controllers`). Made by `make generated`.",
        "",
        "| prerequisite | without it | fix |",
        "| --- | --- | --- |",
    ]
    return "\n".join([*head, *rows, ""])
