"""Rules of the supply chain: images by digest from known registries, stable API versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pulumi_policy import Severity

from policies.pods import POD_TYPES, containers
from policies.reading import shown, text
from policies.rule import Break, Resource, ResourceRule
from policies.tunables import Kind, Settings, Tunable

DIGEST: Final = re.compile(r"@sha256:[0-9a-f]{64}$")
UNSTABLE: Final = re.compile(r"/v[0-9]+(alpha|beta)[0-9]+$")
IMAGE: Final = "/spec/template/spec/containers/0/image"


def _pinned(resource: Resource, settings: Settings) -> Iterator[str]:
    registries = settings.texts("registries")
    for name, container in containers(resource):
        image = text(container.get("image"))
        if not image:
            if not resource.partial:
                yield f"{name} names no image"
            continue
        if registries and not any(_is_from(image, one) for one in registries):
            yield f"{name} takes {image}; allowed registries are {', '.join(registries)}"
        if DIGEST.search(image):
            continue
        tag = image.rpartition("/")[2].partition(":")[2]
        if tag in ("", "latest"):
            yield f"{name} takes {image}, a moving reference; name the digest"
        elif settings.flag("digest"):
            yield f"{name} takes {image} by its tag, which can be moved; name the digest"


def _is_from(image: str, registry: str) -> bool:
    """True if an image is of a registry or of a path in it, and not of one whose name only begins so."""
    rest = image.removeprefix(registry)
    return rest != image and (registry.endswith("/") or rest[:1] in ("/", ":", "@"))


def _stable(resource: Resource, settings: Settings) -> Iterator[str]:
    group_version = (resource.written or resource.type).partition(":")[2].partition(":")[0]
    if UNSTABLE.search(f"/{group_version}") and group_version not in settings.texts("allowed"):
        yield f"uses {shown(group_version)}, which a cluster's next version may not serve any more"


PINNED: Final = ResourceRule(
    id="SUP-01",
    name="pinned-images",
    severity=Severity.HIGH,
    says="Images are named by digest and come from known registries.",
    why="A digest runs what was tested and scanned; a tag runs what was pushed last.",
    fix="Name the image with @sha256: and its digest.",
    source="Checkov CKV_K8S_14, CKV_K8S_43; Kyverno, restrict-image-registries",
    types=POD_TYPES,
    of_parts=True,
    check=_pinned,
    tunables=(
        Tunable("registries", Kind.TEXTS, [], "how allowed images begin; nothing means any"),
        Tunable("digest", Kind.FLAG, True, "whether a tag is refused"),
    ),
    breaks=(
        Break("deployment", IMAGE, "registry.example.com/shop:latest"),
        Break("deployment", IMAGE, "registry.example.com/shop"),
        Break("deployment", IMAGE, "registry.example.com/shop:1.2.3"),
        Break("deployment", IMAGE),
    ),
)

STABLE: Final = ResourceRule(
    id="SUP-03",
    name="stable-interfaces",
    severity=Severity.MEDIUM,
    says="Objects use stable API versions.",
    why="Alpha and beta versions go away with an upgrade of the cluster, on its day and not on yours.",
    fix="Use the stable version, or allow a group that has none yet.",
    source="kube-score, stable-version; Kyverno, check-deprecated-apis",
    types=("kubernetes:*",),
    of_parts=True,
    check=_stable,
    tunables=(
        Tunable(
            "allowed",
            Kind.TEXTS,
            [
                "argoproj.io/v1alpha1",
                "externaldns.k8s.io/v1alpha1",
                "gateway.envoyproxy.io/v1alpha1",
                "keda.sh/v1alpha1",
                "monitoring.coreos.com/v1alpha1",
            ],
            "groups and versions for which there is no stable one",
        ),
    ),
    breaks=(Break("role", "", type="kubernetes:rbac.authorization.k8s.io/v1beta1:Role"),),
)

AREA: Final = "Supply chain"
RULES: Final = (PINNED, STABLE)
