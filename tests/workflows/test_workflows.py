"""The workflows: checked by actionlint, thin over make, pinned, with the least permissions, one release at a time."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from app.operating import flags
from localcloud.toolchain.families import ACTIONLINT
from localcloud.toolchain.supply import ensure
from ops.proof.generated import GROUPS
from tests.workflows.reading import NAMES, PINNED, Job, commands, jobs, make_targets, of_environment, read, steps

SHELL = ("git merge-base --is-ancestor origin/main HEAD",)
"""The step that is no make target: it reads what only the workflow knows."""


def test_there_is_a_workflow_for_every_way_of_delivery(folder: Path) -> None:
    assert {path.stem for path in folder.glob("*.yaml")} == set(NAMES)


@pytest.mark.requirement("S09")
def test_actionlint_has_no_finding(folder: Path) -> None:
    tool = ensure(ACTIONLINT, print) / "bin" / "actionlint"
    files = [str(path) for path in sorted(folder.glob("*.yaml"))]
    done = subprocess.run([str(tool), "-no-color", *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_by_its_commit(folder: Path, name: str) -> None:
    used = [str(step["uses"]) for job in jobs(read(folder, name)) for step in steps(job) if "uses" in step]
    assert used
    assert [one for one in used if not PINNED.match(one)] == []


@pytest.mark.parametrize("name", NAMES)
def test_steps_are_make_targets_that_exist(root: Path, folder: Path, name: str) -> None:
    targets = make_targets(root)
    for command in commands(read(folder, name)):
        if command.startswith("make "):
            assert command.split()[1] in targets, command
        else:
            assert command in SHELL or command.startswith("cat reports/preview.md"), command


TOOLS_KEY = "tools-${{ runner.os }}-${{ runner.arch }}-${{ hashFiles('localcloud/toolchain/**') }}"
NEED_TOOLS = ("make test", "make workflows", "make pr-check", "make prove")
"""Commands that build or fetch tools where the machine has none."""


def cached(job: Job, action: str) -> list[Mapping[str, object]]:
    """Settings of the job's steps of that cache action."""
    return [step["with"] for step in steps(job) if str(step.get("uses", "")).startswith(f"actions/cache/{action}@")]  # type: ignore[misc]


def test_every_job_that_needs_tools_has_those_of_before_by_their_content(folder: Path) -> None:
    found = 0
    for name in NAMES:
        for job in jobs(read(folder, name)):
            said = [str(step.get("run", "")) for step in steps(job)]
            if any(command.split(" STACK")[0].split(" TIER")[0] in NEED_TOOLS for command in said):
                (restored,) = cached(job, "restore")
                assert (restored["path"], restored["key"]) == ("~/.cache/contentgen/toolchain", TOOLS_KEY), name
                assert TOOLS_KEY.startswith(str(restored["restore-keys"])), name
                found += 1
    assert found == 6


def test_one_scheduled_workflow_alone_fills_the_cache_that_the_others_read(folder: Path) -> None:
    workflow = read(folder, "tools")
    assert workflow[True]["schedule"]  # type: ignore[index]
    assert commands(workflow) == ["make tools"]
    (job,) = jobs(workflow)
    (restored,), (saved,) = cached(job, "restore"), cached(job, "save")
    assert saved == restored == {"path": "~/.cache/contentgen/toolchain", "key": TOOLS_KEY}
    savers = [name for name in NAMES for one in jobs(read(folder, name)) if cached(one, "save")]
    assert savers == ["tools"]
    # What is cached by a pull request of somebody else is of that pull request alone.
    assert "pull_request" not in workflow[True]  # type: ignore[operator]


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_may_read_only_and_a_job_what_it_must(folder: Path, name: str) -> None:
    workflow = read(folder, name)
    allowed = {"contents": "read"} if name != "comment" else {"contents", "actions", "pull-requests"}
    assert set(allowed) == set(workflow["permissions"])  # type: ignore[arg-type]
    writable = {"id-token", "issues", "pull-requests", *(["contents"] if name == "updates" else [])}
    for job in jobs(workflow):
        granted = job.get("permissions", {})
        assert isinstance(granted, Mapping)
        assert {key for key, value in granted.items() if value == "write"} <= writable


@pytest.mark.parametrize("name", NAMES)
def test_a_checkout_leaves_no_token_behind_and_every_job_ends(folder: Path, name: str) -> None:
    for job in jobs(read(folder, name)):
        assert "uses" in job or isinstance(job["timeout-minutes"], int)
        for step in steps(job):
            if str(step.get("uses", "")).startswith("actions/checkout@"):
                settings = step["with"]
                assert isinstance(settings, Mapping)
                assert settings["persist-credentials"] is False


@pytest.mark.requirement("S04")
@pytest.mark.requirement("S05")
def test_a_pull_request_is_previewed_for_every_stack_without_a_secret(root: Path, folder: Path) -> None:
    workflow = read(folder, "preview")
    (job,) = jobs(workflow)
    stacks = {path.stem.removeprefix("Pulumi.") for path in root.glob("Pulumi.*.yaml")}
    assert set(job["strategy"]["matrix"]["stack"]) == stacks  # type: ignore[index]
    assert any(command.startswith("make pr-check STACK=${{ matrix.stack }}") for command in commands(workflow))
    assert "secrets." not in (folder / "preview.yaml").read_text()
    assert "id-token" not in (folder / "preview.yaml").read_text()


@pytest.mark.requirement("S08")
@pytest.mark.requirement("S09")
def test_develop_goes_to_staging_and_main_to_production_after_checks_a_plan_and_an_approval(
    root: Path, folder: Path
) -> None:
    workflow, of_stack = read(folder, "deploy"), read(folder, "stack")
    assert workflow[True]["push"]["branches"] == ["main", "develop"]  # type: ignore[index]
    made = workflow["jobs"]
    assert isinstance(made, Mapping)
    assert made["image"]["needs"] == "checks"
    assert made["deploy"]["needs"] == ["stacks", "image"]
    (chosen,) = [step for step in steps(made["stacks"]) if step.get("id") == "stacks"]
    assert chosen["env"]["ENVIRONMENT"].endswith("(github.ref_name == 'main' && 'prod') || 'staging' }}")  # type: ignore[index]
    by_hand = workflow[True]["workflow_dispatch"]["inputs"]["stack"]["options"]  # type: ignore[index]
    assert by_hand == of_environment(root, "dev", "staging")
    assert [one.split()[1] for one in commands(workflow) if one.startswith("make")] == [
        "stacks",
        "lint",
        "test",
        "promote",
        "image",
        "push",
    ]
    assert of_stack["jobs"]["release"]["needs"] == "plan"  # type: ignore[index]
    assert [one.split()[1] for one in commands(of_stack) if one.startswith("make")] == [
        "kubeconfig",
        "plan",
        "kubeconfig",
        "release",
    ]


@pytest.mark.requirement("S08")
@pytest.mark.requirement("S09")
@pytest.mark.parametrize("name", ["deploy", "hotfix"])
def test_every_products_stack_is_released_apart_by_the_environment_of_its_own_name(folder: Path, name: str) -> None:
    job = read(folder, name)["jobs"]["deploy"]  # type: ignore[index]
    assert job["uses"] == "./.github/workflows/stack.yaml"
    assert job["strategy"] == {"fail-fast": False, "matrix": {"stack": "${{ fromJSON(needs.stacks.outputs.stacks) }}"}}
    assert job["with"]["stack"] == "${{ matrix.stack }}"
    assert job["with"]["image"] == "${{ needs.image.outputs.image }}"
    assert job["secrets"] == "inherit"
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    of_stack = read(folder, "stack")
    assert of_stack["env"]["STACK"] == "${{ inputs.stack }}"  # type: ignore[index]
    assert of_stack["jobs"]["plan"]["environment"] == "${{ inputs.stack }}-plan"  # type: ignore[index]
    release = of_stack["jobs"]["release"]  # type: ignore[index]
    assert release["environment"] == "${{ inputs.stack }}${{ inputs.hotfix && '-hotfix' || '' }}"
    assert release["concurrency"]["group"] == "deploy-${{ inputs.stack }}"


def test_drift_is_looked_for_in_every_staging_and_production(folder: Path) -> None:
    workflow = read(folder, "drift")
    assert 'make stacks ENVIRONMENT="staging prod" ONLY="$ONLY"' in commands(workflow)
    job = workflow["jobs"]["drift"]  # type: ignore[index]
    assert job["strategy"]["matrix"]["stack"] == "${{ fromJSON(needs.stacks.outputs.stacks) }}"
    assert job["environment"] == "${{ matrix.stack }}-plan"


@pytest.mark.requirement("S11")
def test_production_gets_the_digest_of_staging_and_never_a_second_build(folder: Path) -> None:
    by_command = {
        str(step["run"]).split()[1]: step
        for step in steps(read(folder, "deploy")["jobs"]["image"])  # type: ignore[index]
        if "run" in step
    }
    assert by_command["promote"]["if"] == "github.ref_name == 'main'"
    assert by_command["promote"]["id"] == "promote"
    assert by_command["image"]["if"] == by_command["push"]["if"] == "github.ref_name != 'main'"


@pytest.mark.requirement("S09")
@pytest.mark.requirement("S11")
@pytest.mark.parametrize("name", ["deploy", "hotfix"])
def test_the_image_that_was_built_is_deployed_by_its_digest_and_the_clusters_are_known(folder: Path, name: str) -> None:
    workflow = read(folder, name)
    built = workflow["jobs"]["image"]  # type: ignore[index]
    either = {"deploy": " || steps.promote.outputs.image", "hotfix": ""}[name]
    assert built["outputs"] == {"image": f"${{{{ steps.push.outputs.image{either} }}}}"}
    (push,) = [step for step in built["steps"] if step.get("id") == "push"]
    assert push["run"] == 'make push IMAGE="$IMAGE"'
    (made,) = [step for step in built["steps"] if str(step.get("run")).startswith("make image")]
    assert made["env"] == {"PYTHON_DIGEST": "${{ vars.PYTHON_DIGEST }}"}
    deploying = [
        step
        for job in jobs(read(folder, "stack"))
        for step in steps(job)
        if str(step.get("run")).startswith(("make plan", "make release"))
    ]
    assert len(deploying) == 2
    for step in deploying:
        assert step["env"]["CONTENTGEN_IMAGE"] == "${{ inputs.image }}"  # type: ignore[index]
        # By its whole path: going back runs in a folder of its own.
        assert step["env"]["KUBECONFIG"] == "${{ github.workspace }}/reports/kubeconfig"  # type: ignore[index]


@pytest.mark.requirement("L02")
def test_a_stack_has_one_release_at_a_time_which_is_never_cut_off_and_knows_where_to_go_back_to(folder: Path) -> None:
    workflow = read(folder, "stack")
    # A run that waits for its approval is in progress; only the job that deploys may keep others out.
    for name in ("deploy", "hotfix", "stack"):
        assert "concurrency" not in read(folder, name)
        assert [job for job in jobs(read(folder, name)) if "concurrency" in job and name != "stack"] == []
    release = workflow["jobs"]["release"]  # type: ignore[index]
    group = release["concurrency"]
    assert isinstance(group, Mapping)
    assert str(group["group"]).startswith("deploy-")
    assert group["cancel-in-progress"] is False
    # The stack itself says what ran before; what was pushed before may never have been deployed.
    assert [one for one in commands(workflow) if one.startswith("make release")] == ['make release STACK="$STACK"']
    (credentials,) = [step["with"] for step in release["steps"] if "configure-aws-credentials" in step.get("uses", "")]
    assert credentials["role-duration-seconds"] == 60 * release["timeout-minutes"]
    assert "SLACK_WEBHOOK" in (folder / "stack.yaml").read_text()


@pytest.mark.requirement("L03")
def test_every_kind_of_release_is_a_written_procedure_that_names_its_workflow(root: Path, folder: Path) -> None:
    pages = {path.stem: path.read_text() for path in (root / "docs" / "releases").glob("*.md")}
    assert set(pages) == {"README", "weekly", "hotfix", "flag"}
    assert "`.github/workflows/release.yaml`" in pages["weekly"]
    assert "product manager and two reviewers" in pages["weekly"]
    assert "within the hour" in pages["weekly"]
    assert "`.github/workflows/hotfix.yaml`" in pages["hotfix"]
    assert "one senior engineer" in pages["hotfix"]
    assert "goes back by itself" in pages["hotfix"]


@pytest.mark.requirement("L03")
def test_a_release_by_flag_is_gradual_and_undone_without_a_deployment_by_commands_that_exist(root: Path) -> None:
    page = (root / "docs" / "releases" / "flag.md").read_text()
    assert "`.github/workflows/deploy.yaml`" in page
    assert "product manager approves" in page
    written = re.findall(r"`python -m (app flags set NAME [^`]*)`", page)
    shares = [f"app flags set NAME --percent {share}" for share in (1, 10, 50, 100)]
    assert written == [*shares, "app flags set NAME --off"]
    options = {option for one in get_command(flags).commands["set"].params for option in one.opts}  # type: ignore[attr-defined]
    assert {"--percent", "--off"} <= options


@pytest.mark.requirement("L03")
def test_production_waits_for_its_approval_and_a_hotfix_for_its_own(folder: Path) -> None:
    assert "hotfix" not in read(folder, "deploy")["jobs"]["deploy"]["with"]  # type: ignore[index]
    assert read(folder, "stack")[True]["workflow_call"]["inputs"]["hotfix"]["default"] is False  # type: ignore[index]
    assert read(folder, "hotfix")["jobs"]["deploy"]["with"]["hotfix"] is True  # type: ignore[index]
    release = read(folder, "stack")["jobs"]["release"]  # type: ignore[index]
    assert release["environment"] == "${{ inputs.stack }}${{ inputs.hotfix && '-hotfix' || '' }}"


@pytest.mark.requirement("L03")
def test_a_hotfix_begins_at_main_and_is_approved_by_its_own_environment(folder: Path) -> None:
    workflow = read(folder, "hotfix")
    assert workflow[True]["push"]["branches"] == ["hotfix/**"]  # type: ignore[index]
    assert workflow["jobs"]["deploy"]["needs"] == ["stacks", "image"]  # type: ignore[index]
    assert workflow["jobs"]["image"]["needs"] == "checks"  # type: ignore[index]
    assert 'make stacks ENVIRONMENT=prod ONLY="$ONLY"' in commands(workflow)
    assert SHELL[0] in commands(workflow)


@pytest.mark.requirement("L03")
def test_every_command_of_the_release_pages_is_a_make_target(root: Path) -> None:
    targets = make_targets(root)
    for page in (root / "docs" / "releases").glob("*.md"):
        for target in re.findall(r"make ([a-z-]+)", page.read_text()):
            assert target in targets, f"{page.name}: make {target}"


@pytest.mark.requirement("Y08")
def test_the_image_is_scanned_and_a_known_hole_fails(folder: Path) -> None:
    scans = [
        step["with"]
        for job in jobs(read(folder, "policy"))
        for step in steps(job)
        if "trivy-action" in str(step.get("uses"))
    ]
    (scan,) = scans
    assert isinstance(scan, Mapping)
    assert scan["exit-code"] == "1"
    assert (scan["scan-type"], scan["image-ref"]) == ("image", "contentgen:scanned")
    assert "make image IMAGE=contentgen:scanned" in commands(read(folder, "policy"))
    assert scan["severity"] == "HIGH,CRITICAL"
    (built,) = [
        step for job in jobs(read(folder, "policy")) for step in steps(job) if "make image" in str(step.get("run"))
    ]
    assert built["env"] == {"PYTHON_DIGEST": "${{ vars.PYTHON_DIGEST }}"}


def test_rows_are_proven_every_night_and_when_mutants_rules_or_limits_change(root: Path, folder: Path) -> None:
    workflow = read(folder, "prove")
    assert commands(workflow) == ["make prove", "make prove TIER=engine"]
    asked = workflow[True]
    assert isinstance(asked, Mapping)
    assert re.fullmatch(r"\d+ \d+ \* \* \*", asked["schedule"][0]["cron"])
    assert asked["pull_request"]["paths"] == asked["push"]["paths"]
    inputs = [pattern for group in yaml.safe_load((root / GROUPS).read_text()).values() for pattern in group["files"]]
    files = [str(path.relative_to(root)) for pattern in inputs for path in root.glob(pattern)]
    files += [str(path.relative_to(root)) for path in (root / GROUPS).parent.rglob("*.*")]
    patterns = asked["push"]["paths"]
    assert [file for file in files if not any(fnmatch(file, pattern) for pattern in patterns)] == []
