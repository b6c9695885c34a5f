"""The image in its registry, and contexts on a machine that has none: docker is pretended, ECR and EKS are moto's."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import yaml
from moto import mock_aws

from ops import image as pushing
from ops.console import Report
from ops.image import ImageError, push
from ops.kubeconfig import KubeconfigError, write_kubeconfig
from ops.stack_files import read
from tests.unit.program import ROOT

REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
IMAGE = f"{REGISTRY}/contentgen:abc"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"})
DOCKER = """#!{python}
import json, pathlib, sys
with pathlib.Path({calls!r}).open("a") as calls:
    calls.write(json.dumps([sys.argv[1:], sys.stdin.read() if "--password-stdin" in sys.argv else ""]) + "\\n")
if sys.argv[1] == {fails!r}:
    print("denied: no such repository", file=sys.stderr)
    sys.exit(1)
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.client]:
    """A registry that has the image already, as after the push, and a docker that writes down how it was called."""
    docker(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pushing, "CHECKOUT", tmp_path)
    with mock_aws():
        client = boto3.client("ecr", region_name="us-east-1")
        client.create_repository(repositoryName="contentgen")
        client.put_image(repositoryName="contentgen", imageManifest=MANIFEST, imageTag="abc")
        yield client


def docker(folder: Path, fails: str = "") -> None:
    program = folder / "docker"
    program.write_text(DOCKER.format(python=sys.executable, calls=str(folder / "calls"), fails=fails))
    program.chmod(0o755)


def scanned(client: boto3.client) -> None:
    client.start_image_scan(repositoryName="contentgen", imageId={"imageTag": "abc"})


@pytest.mark.requirement("S09")
@pytest.mark.requirement("S11")
def test_an_image_is_pushed_and_named_by_the_digest_of_the_registry(
    tmp_path: Path, registry: boto3.client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "REFUSED_SEVERITIES", ())
    scanned(registry)
    (known,) = registry.describe_images(repositoryName="contentgen")["imageDetails"]
    reference = push(IMAGE, {"GITHUB_OUTPUT": str(tmp_path / "outputs")}, Report())
    assert reference == f"{REGISTRY}/contentgen@{known['imageDigest']}"
    assert (tmp_path / "reports" / "image.txt").read_text() == f"{reference}\n"
    assert (tmp_path / "outputs").read_text() == f"image={reference}\n"
    calls = [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]
    assert [arguments for arguments, _ in calls] == [
        ["login", "--username", "AWS", "--password-stdin", REGISTRY],
        ["push", IMAGE],
    ]
    assert calls[0][1]


@pytest.mark.requirement("Y08")
@pytest.mark.requirement("S11")
def test_an_image_with_a_serious_hole_is_not_named_for_a_release(tmp_path: Path, registry: boto3.client) -> None:
    scanned(registry)
    found = registry.describe_image_scan_findings(repositoryName="contentgen", imageId={"imageTag": "abc"})
    assert found["imageScanFindings"]["findingSeverityCounts"].get("HIGH")
    with pytest.raises(ImageError, match=r"the scan of sha256:\w+ found .*HIGH; fix: a newer base"):
        push(IMAGE, {}, Report())
    assert not (tmp_path / "reports" / "image.txt").exists()


@pytest.mark.requirement("Y08")
def test_an_image_that_was_never_scanned_is_waited_for_and_then_refused(tmp_path: Path, registry: boto3.client) -> None:
    pauses: list[float] = []
    with pytest.raises(ImageError, match="not begun after 600 s; fix: switch scanning on push on"):
        push(IMAGE, {}, Report(), pauses.append)
    assert sum(pauses) == 600
    assert not (tmp_path / "reports" / "image.txt").exists()


@pytest.mark.requirement("S09")
def test_a_push_that_the_registry_refuses_is_an_error_with_its_words(tmp_path: Path, registry: boto3.client) -> None:
    docker(tmp_path, fails="push")
    with pytest.raises(ImageError, match="docker push: denied: no such repository"):
        push(IMAGE, {}, Report())


@pytest.mark.parametrize("image", ["contentgen:dev", f"{REGISTRY}/contentgen", "docker.io/contentgen:abc"])
def test_an_image_of_another_registry_is_refused_with_what_is_allowed(image: str) -> None:
    with pytest.raises(ImageError, match=r"allowed: ACCOUNT\.dkr\.ecr\.REGION\.amazonaws\.com/REPOSITORY:TAG"):
        push(image, {}, Report())


@pytest.mark.requirement("S09")
@mock_aws
def test_a_machine_without_contexts_gets_those_of_the_stack_and_no_secret(tmp_path: Path) -> None:
    settings = read(ROOT, "prod")
    for region in settings.regions:
        boto3.client("eks", region_name=region).create_cluster(
            name=f"contentgen-prod-{region}",
            roleArn="arn:aws:iam::123456789012:role/clusters",
            resourcesVpcConfig={"subnetIds": ["subnet-1", "subnet-2"]},
        )
    path = tmp_path / "own" / "kubeconfig"
    write_kubeconfig(settings, path, Report())
    assert path.stat().st_mode & 0o777 == 0o600
    made = yaml.safe_load(path.read_text())
    names = [f"contentgen-prod-{region}" for region in ("us-east-1", "eu-west-1", "ap-southeast-1")]
    assert [one["name"] for one in made["contexts"]] == names
    assert [one["cluster"]["server"][:8] for one in made["clusters"]] == ["https://"] * 3
    assert all(one["cluster"]["certificate-authority-data"] for one in made["clusters"])
    assert made["users"][1]["user"]["exec"]["args"] == [
        "eks", "get-token", "--cluster-name", "contentgen-prod-eu-west-1", "--region", "eu-west-1",
    ]  # fmt: skip


@mock_aws
def test_every_cluster_that_is_not_there_is_named_and_no_file_is_written(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError) as error:
        write_kubeconfig(read(ROOT, "prod"), tmp_path / "kubeconfig", Report())
    for region in ("us-east-1", "eu-west-1", "ap-southeast-1"):
        assert f"contentgen:clusters.{region}.context contentgen-prod-{region} is no cluster" in str(error.value)
    assert not (tmp_path / "kubeconfig").exists()
