"""Previews that hold one of everything, for golden comments and for tests of single parts."""

from __future__ import annotations

from ops.cost.book import load
from ops.report.command import cost
from ops.report.events import parse
from ops.report.markdown import StackReport
from ops.report.verdict import Levels
from tests.report.events import PROVIDER, Values, failed, lines, said, step

DATABASE = "aws:rds/instance:Instance"
SMALL: Values = {
    "instanceClass": "db.t4g.medium",
    "allocatedStorage": 20,
    "engineVersion": "16",
    "region": "us-east-1",
    "password": "[secret]",
}
LARGE: Values = {**SMALL, "instanceClass": "db.t4g.large", "engineVersion": "17"}
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
BUDGET: Values = {"limitAmount": "100", "timeUnit": "MONTHLY"}


def pod(image: str, cpu: str = "250m") -> Values:
    container = {"name": "cpm", "image": image, "resources": {"requests": {"cpu": cpu, "memory": "256Mi"}}}
    return {"metadata": {"name": "cpm"}, "spec": {"template": {"spec": {"containers": [container]}}}}


SCALER = step(
    "same",
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    "cpm-hpa",
    {"spec": {"scaleTargetRef": {"name": "cpm"}, "minReplicas": 2}},
    {"spec": {"scaleTargetRef": {"name": "cpm"}, "minReplicas": 2}},
    provider=PROVIDER,
)
EVERYTHING = [
    step("create-replacement", DATABASE, "primary", SMALL, LARGE),
    step("replace", DATABASE, "primary", SMALL, LARGE, {"instanceClass": "update", "engineVersion": "update-replace"}),
    step("delete-replaced", DATABASE, "primary", SMALL, None),
    step("delete", "aws:s3/bucket:Bucket", "old-exports", {"region": "us-east-1"}, None),
    step(
        "update",
        DEPLOYMENT,
        "cpm-deployment",
        pod("registry.example.com/app@sha256:aa"),
        pod("registry.example.com/app@sha256:bb"),
        {"spec.template.spec.containers[0].image": "update"},
        PROVIDER,
    ),
    step("create", "aws:mq/broker:Broker", "jobs", None, {"region": "us-east-1"}),
    step("same", "aws:budgets/budget:Budget", "month", BUDGET, BUDGET),
    SCALER,
    said("scale-limits", "cpm-hpa: spec.maxReplicas is 11; the limit is 10 instances of cpm"),
    said("pod-security", "can't run policy 'pod-security' on cpm during preview: string value at .x", "advisory"),
    said(
        "locked-backups", "[exempt] old-exports: no retention (exempt until 2027-03-31 by platform: goes)", "advisory"
    ),
    said("rate-limits", "api: no limit", "advisory"),
]
STRICT = Levels("mandatory", {"rate-limits": "advisory"})


def reported(name: str, events: list[dict[str, object]], result: str = "succeeded") -> StackReport:
    """A stack's part of a comment."""
    preview = parse(name, lines(events, result))
    before, after = cost(preview, load())
    return StackReport(preview, STRICT, before, after)


def whole() -> StackReport:
    """A stack to which everything happens at once."""
    return reported("prod", EVERYTHING, "failed")


def quiet() -> StackReport:
    """A stack to which nothing happens."""
    return reported("staging", [step("same", DATABASE, "primary", SMALL, SMALL)])


def broken() -> StackReport:
    """A stack whose program does not run."""
    return reported(
        "dev", [failed("Pulumi.dev.yaml: 1 setting is wrong: contentgen:domain = None: is required")], "failed"
    )
