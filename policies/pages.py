"""docs/policies/: a page a rule, made from the rule itself. What it says of the bad examples is what it really said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from policies.examples import COMPLIANT
from policies.pack import AREAS
from policies.reading import Properties, Value, plain
from policies.rule import GONE, PAGES, Break, ResourceRule, Rule
from policies.testing import as_function, broken
from policies.tunables import Tunable

INDEX: Final = "README.md"
EXEMPTIONS: Final = "exemptions.md"
SHOWN_BREAKS: Final = 6
EXAMPLE_CONFIG: Final[Mapping[str, Properties]] = {
    "scale-limits": {"instances": {"cpm": 10}},
    "failover-chain": {"priority": ["us-east-1", "eu-west-1"]},
}
"""Configuration of the example stack that no default can know."""


def pages(rules: Sequence[Rule]) -> dict[Path, str]:
    """Every page by its path."""
    folder = Path(PAGES)
    made = {folder / f"{rule.name}.md": "\n".join(_page(rule)) for rule in rules}
    return {folder / INDEX: "\n".join(_index()), folder / EXEMPTIONS: _HOW_TO_EXEMPT, **made}


def _index() -> Iterator[str]:
    total = sum(len(rules) for rules in AREAS.values())
    yield from ("# Policies", "", f"{total} rules, checked at every preview and update. Made by `make generated`.", "")
    yield from ("Levels: mandatory in local, staging and prod, advisory in dev (`stacks/policy_config.py`).", "")
    for area, rules in AREAS.items():
        yield from (f"## {area}", "", "| id | rule | severity | what it says |", "|---|---|---|---|")
        for rule in rules:
            yield f"| {rule.id} | [{rule.name}]({rule.name}.md) | {rule.severity.value} | {rule.says} |"
        yield ""


def _page(rule: Rule) -> Iterator[str]:
    yield from (f"# {rule.name}", "", rule.says, "", f"**Why:** {rule.why}", "", f"**Fix:** {rule.fix}", "")
    yield from ("| | |", "|---|---|", f"| id | {rule.id} |", f"| severity | {rule.severity.value} |")
    yield f"| looks at | {'one resource' if isinstance(rule, ResourceRule) else 'the whole stack'} |"
    yield f"| types | {', '.join(f'`{one}`' for one in rule.types)} |"
    yield f"| asked for by | {rule.source} |"
    if isinstance(rule, ResourceRule) and rule.remedy:
        yield "| mends itself | at the level `remediate`, which no stack has by default |"
    yield ""
    if rule.tunables:
        yield from ("## Settings", "", "| key | type | default | meaning |", "|---|---|---|---|")
        yield from (_tunable(one) for one in rule.tunables)
        yield ""
    yield from _examples(rule)
    yield f"An exception is possible for a while: [exemptions]({EXEMPTIONS})."
    yield ""


def _tunable(one: Tunable) -> str:
    default = yaml.safe_dump(plain(one.default), default_flow_style=True).removesuffix("...\n").strip()
    return f"| `{one.name}` | {one.kind} | `{default}` | {one.help} |"


def _examples(rule: Rule) -> Iterator[str]:
    first = rule.breaks[0].of
    resource = COMPLIANT[first]
    yield from ("## Good", "", f"`{resource.type}`", "", "```yaml", _yaml(resource.properties), "```", "")
    yield from ("## Bad", "", "The good example with one change each, and what the rule says of it:", "")
    for change in rule.breaks[:SHOWN_BREAKS]:
        said = as_function(rule, broken(COMPLIANT, change).values(), EXAMPLE_CONFIG.get(rule.name))
        yield f"- {_told(change)}: *{said[0]}*"
    yield ""


def _told(change: Break) -> str:
    what = f"`{change.path}` of the {change.of}" if change.path else f"the {change.of}"
    if change.type:
        return f"{what} as `{change.type}`"
    if change.protect is not None:
        return f"{what} without protection"
    if change.value is GONE:
        return f"no {what.removeprefix('the ')}"
    assert not isinstance(change.value, type(GONE))
    return f"{what} is `{_inline(change.value)}`"


def _inline(value: Value) -> str:
    return yaml.safe_dump(plain(value), default_flow_style=True, width=1000).removesuffix("...\n").strip()


def _yaml(value: Value) -> str:
    return yaml.dump(plain(value), Dumper=_Whole, sort_keys=False).strip()


class _Whole(yaml.SafeDumper):
    """Without references to what stood before: an example is read, not parsed."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_HOW_TO_EXEMPT: Final = """# Exemptions

A resource may break a rule for a while. Add an entry to `policies/exemptions.yaml`:

```yaml
- rule: locked-backups
  stacks: [staging]
  resource: staging-backup-bucket
  type: aws:s3/bucket:Bucket
  owner: platform
  reason: the copies of staging are anonymised and made again every night
  expires: 2027-03-31
```

`resource` is the resource's name in the program and `type` its type, because names are not unique; or `resource` is its
URN, without a type. What is wrong with the stack as a whole has the type `pulumi:pulumi:Stack`. `owner` answers for it;
`expires` is its last day, within 180 days. A `*` in the name is for rules that only advise. Run `make generated`, and
let the change be reviewed like any other.

Every run lists the exemptions in force, with owner, reason and day, and so does the comment of a pull request.
For its last 30 days every run warns of its end. From the day after the last one the rule holds again, and the entry
itself fails the run; so does an entry that excuses nothing any more, once the rule has seen every value it needs. Both
name the entry to take out. A rule that mends resources leaves an exempted one as it is.
"""
