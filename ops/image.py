"""``contentgen push``: the application's image in its registry, by the digest that a release deploys (S09).

A tag may be moved and says nothing of what was tested, so the digest that the registry gave is written down for the
steps after it. The registry's own scan decides whether the image may be released: it knows what was pushed, and goes on
looking when a hole becomes known later.
"""

from __future__ import annotations

import base64
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ops.checkout import CHECKOUT
from ops.console import Report

PUSHED: Final = Path("reports/image.txt")
"""Below the checkout: the reference of the image that is to be released, by digest."""
ECR: Final = re.compile(
    r"^(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<repository>[^:@]+):[^:@/]+$"
)
"""A reference with a tag in a private registry of AWS (ECR user guide, "Private registries")."""
REFUSED_SEVERITIES: Final = ("CRITICAL", "HIGH")
STEP_OUTPUTS: Final = "GITHUB_OUTPUT"
"""The variable with the file of a step's outputs (GitHub, "Workflow commands", setting an output parameter)."""
SCAN_SECONDS: Final = 600.0
PAUSE_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 1800


class ImageError(Exception):
    """The image cannot be pushed or must not be released; the message says why."""


def push(
    image: str, environment: Mapping[str, str], report: Report, pause: Callable[[float], None] = time.sleep
) -> str:
    """Pushes an image that was built here and returns its reference by digest, which PUSHED holds too, and in a
    workflow the output ``image`` of its step.

    Raises ImageError for a registry that is not ECR, a push that fails, and a scan that found something serious.
    """
    found = ECR.match(image)
    if found is None:
        raise ImageError(f"{image} is no image of ECR; allowed: ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG")
    account, region, repository = found.group("account", "region", "repository")
    tag = image.rpartition(":")[2]
    try:
        client = boto3.client("ecr", region_name=region)
        token = client.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        user, _, password = base64.b64decode(token).decode().partition(":")
        registry = image.partition("/")[0]
        _docker("login", "--username", user, "--password-stdin", registry, entered=password)
        report.step(f"pushing {image}")
        _docker("push", image)
        named = {"repositoryName": repository, "registryId": account}
        (pushed,) = client.describe_images(**named, imageIds=[{"imageTag": tag}])["imageDetails"]
        digest = pushed["imageDigest"]
        report.step("waiting for the registry's scan")
        _scanned(region, named, digest, pause)
    except (BotoCoreError, ClientError) as error:
        raise ImageError(f"{image}: the registry refuses: {error}") from None
    reference = f"{registry}/{repository}@{digest}"
    hand_on(reference, environment)
    report.line(f"{reference} is pushed, and its scan found nothing serious")
    return reference


def hand_on(reference: str, environment: Mapping[str, str]) -> None:
    """Writes the image that is to be released for the steps after this one."""
    path = CHECKOUT / PUSHED
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{reference}\n")
    if outputs := environment.get(STEP_OUTPUTS):
        with Path(outputs).open("a") as file:
            file.write(f"image={reference}\n")


def _scanned(region: str, named: dict[str, str], digest: str, pause: Callable[[float], None]) -> None:
    """The end of the scan. Raises ImageError when it fails, takes too long, or found something serious."""
    client = boto3.client("ecr", region_name=region)
    waited = 0.0
    while True:
        try:
            found = client.describe_image_scan_findings(**named, imageId={"imageDigest": digest})
            status = found["imageScanStatus"]["status"]
        except client.exceptions.ScanNotFoundException:
            found, status = {}, "not begun"
        if status in ("COMPLETE", "ACTIVE"):
            break
        if status in ("FAILED", "UNSUPPORTED_IMAGE", "FINDINGS_UNAVAILABLE") or waited >= SCAN_SECONDS:
            fix = "fix: switch scanning on push on for the repository, or look at it in the registry"
            raise ImageError(f"the scan of {digest} is {status} after {waited:g} s; {fix}")
        pause(PAUSE_SECONDS)
        waited += PAUSE_SECONDS
    counts = found["imageScanFindings"].get("findingSeverityCounts", {})
    serious = {severity: counts[severity] for severity in REFUSED_SEVERITIES if counts.get(severity)}
    if serious:
        told = ", ".join(f"{count} {severity}" for severity, count in serious.items())
        raise ImageError(f"the scan of {digest} found {told}; fix: a newer base (PYTHON_DIGEST) or dependency")


def _docker(*arguments: str, entered: str | None = None) -> None:
    try:
        done = subprocess.run(
            ["docker", *arguments],  # noqa: S607 - docker is the machine's own
            input=entered,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise ImageError("docker is not installed; fix: install it, or run this where it is") from None
    if done.returncode != 0:
        raise ImageError(f"docker {arguments[0]}: {done.stderr.strip()}")
