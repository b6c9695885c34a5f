"""docs/embedded-cloud-rules.md: what the embedded AWS refuses, from the tables it refuses by."""

from __future__ import annotations

from localcloud.aws.references import REFERENCES
from localcloud.aws.rules import RULES
from localcloud.aws.types import NAME_LIMITS


def embedded_cloud_page() -> str:
    """The page."""
    names = [
        f"| {token} | {limit.property} | {limit.longest} | {limit.source} |"
        for token, limit in sorted(NAME_LIMITS.items())
    ]
    rules = [f"| {one.name} | {one.token} | {one.key} | {_cell(one.allowed)} | {one.source} |" for one in RULES]
    return "\n".join(
        [
            "# Rules of the embedded AWS",
            "",
            "moto accepts much that AWS refuses. The embedded AWS refuses it too, at preview: the message names the",
            "property, the value, what is allowed and where AWS says so. What a call needs in permissions is evaluated",
            "too: docs/permissions.md. Made by `make generated`.",
            "",
            "## Longest names",
            "",
            "An automatic name is the logical name, a dash and seven digits; it is refused when too long, never cut.",
            "",
            "| type | property | characters | source |",
            "| --- | --- | --- | --- |",
            *names,
            "",
            "## Values",
            "",
            "| rule | type | property | allowed | source |",
            "| --- | --- | --- | --- | --- |",
            *rules,
            "",
            "## References",
            "",
            "What a request names must be there and fit; the answer has AWS' error code.",
            "",
            "| rule | calls | allowed | error | source |",
            "| --- | --- | --- | --- | --- |",
            *(
                f"| {one.name} | {', '.join(one.calls)} | {_cell(one.allowed)} | {one.code} | {one.source} |"
                for one in REFERENCES
            ),
            "",
            "## Changes",
            "",
            "- RDS: a replica needs a source with backups and takes its key; storage never shrinks; a major version",
            "  stays; without `applyImmediately` class, version, size and zones wait for the maintenance window.",
            "- RDS: a subnet group covers two zones of one network.",
            "- ElastiCache: without `applyImmediately` node type, version and parameter group wait for the maintenance",
            "  window.",
            "- SNS: a subscription by e-mail is pending until its token is confirmed.",
            "- Route 53: a zone with records of others is not deleted; a name has records of one routing policy.",
            "",
        ]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
