"""docs/policies/: a page a rule, with what the rule really says of its bad examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.settings.errors import SettingsError
from infra.settings.exemptions import EXEMPTIONS
from ops.policy_pack import policy_pages, stack_policy_config
from ops.stack_files import read
from policies.pack import RULES
from policies.rule import Rule

PAGES = {path.name: text for path, text in policy_pages().items()}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_page_has_everything_that_a_reader_needs(rule: Rule) -> None:
    page = PAGES[f"{rule.name}.md"]
    for part in (rule.says, rule.why, rule.fix, rule.id, rule.source, "## Good", "## Bad"):
        assert part in page
    for tunable in rule.tunables:
        assert f"| `{tunable.name}` |" in page
    assert re.search(r"^- .*: \*.+\*$", page, re.MULTILINE), "no bad example with what the rule says"


def test_every_link_between_the_pages_leads_somewhere() -> None:
    for name, text in PAGES.items():
        for target in re.findall(r"\]\(([a-z-]+\.md)\)", text):
            assert target in PAGES, f"{name}: {target}"


def test_the_list_has_every_rule_once() -> None:
    assert re.findall(r"\]\(([a-z-]+)\.md\)", PAGES["README.md"]) == [rule.name for rule in RULES]


def test_an_exemption_from_a_rule_that_does_not_exist_is_refused_with_the_name_that_was_meant(
    root: Path, tmp_path: Path
) -> None:
    file = tmp_path / EXEMPTIONS
    file.parent.mkdir()
    file.write_text(
        "- {rule: lockd-backups, stacks: [prod], resource: x, owner: platform, reason: moves in March, "
        "expires: 2027-03-31}\n"
    )
    with pytest.raises(SettingsError, match="lockd-backups: there is no such rule; did you mean locked-backups"):
        stack_policy_config(tmp_path, "prod", read(root, "prod"))
    assert "all" in stack_policy_config(tmp_path, "dev", read(root, "dev"))
