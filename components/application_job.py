"""Pods of the application's image that run to an end: a migration before traffic, a backup by the clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import pulumi
from pulumi_kubernetes import batch, core, meta, networking

from components.generation_service import SECRETS_MOUNT, identity, instance_environment
from components.hardening import container_security, pod_security
from components.labels import labels, metadata
from components.network_policy import policy_spec
from stacks.specs.job import JOB_RESOURCES
from stacks.specs.network import Traffic

STARTING_DEADLINE_SECONDS: Final = 600
HISTORY: Final = 3
URGENCY_LABEL: Final = "contentgen/on-failure"


@dataclass(frozen=True)
class ApplicationJobArgs:
    """Arguments of ApplicationJob.

    namespace: Kubernetes namespace of the objects.
    product: product in the recommended labels (K01).
    component: name of the job and of its account, policy and label.
    image: image of the application.
    arguments: arguments after the image's entry point.
    port: port of the application, as its variables state it.
    secret: Secret whose keys are files under SECRETS_MOUNT.
    traffic: peers that the pods may talk to, for their network policy (K11).
    deadline_seconds: time limit of one run.
    urgency: severity of the alert on a failed run, as a label of its pods.
    schedule: cron expression in UTC for a CronJob; None runs the job once a version.
    environment: variables of the container.
    role: ARN of the AWS role that the service account takes; None for no AWS identity.
    """

    namespace: str
    product: str
    component: str
    image: str
    arguments: tuple[str, ...]
    port: int
    secret: pulumi.Input[str]
    traffic: Traffic
    deadline_seconds: int
    urgency: str
    schedule: str | None = None
    environment: dict[str, pulumi.Input[str]] = field(default_factory=dict)
    role: pulumi.Input[str] | None = None


class ApplicationJob(pulumi.ComponentResource):
    """A Job or CronJob with its own service account and network policy."""

    def __init__(self, name: str, args: ApplicationJobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:kubernetes:ApplicationJob", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        named = metadata(args.component, args.product, args.namespace, args.component)
        account = core.v1.ServiceAccount(
            f"{name}-account",
            metadata=metadata(args.component, args.product, args.namespace, args.component, identity(args.role)),
            automount_service_account_token=False,
            opts=child,
        )
        traffic = networking.v1.NetworkPolicy(
            f"{name}-traffic", metadata=named, spec=policy_spec(args.component, args.traffic), opts=child
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[traffic])
        job = _job(args, account.metadata.name)
        if args.schedule is None:
            # Named by the engine: a Job cannot be changed, so a new version is a new Job, run before the old one goes.
            unnamed = metadata(args.component, args.product, args.namespace)
            batch.v1.Job(f"{name}-job", metadata=unnamed, spec=job, opts=after)
        else:
            batch.v1.CronJob(
                f"{name}-cronjob",
                metadata=named,
                spec=batch.v1.CronJobSpecArgs(
                    schedule=args.schedule,
                    time_zone="Etc/UTC",
                    concurrency_policy="Forbid",
                    starting_deadline_seconds=STARTING_DEADLINE_SECONDS,
                    successful_jobs_history_limit=HISTORY,
                    failed_jobs_history_limit=HISTORY,
                    job_template=batch.v1.JobTemplateSpecArgs(spec=job),
                ),
                opts=after,
            )
        self.register_outputs({})


def _job(args: ApplicationJobArgs, account: pulumi.Output[str]) -> batch.v1.JobSpecArgs:
    variables = [core.v1.EnvVarArgs(name=key, value=value) for key, value in sorted(args.environment.items())]
    container = core.v1.ContainerArgs(
        name=args.component,
        image=args.image,
        args=list(args.arguments),
        env=[*instance_environment(args.port), *variables],
        resources=core.v1.ResourceRequirementsArgs(
            requests={**JOB_RESOURCES.requests(), "ephemeral-storage": "64Mi"},
            limits={**JOB_RESOURCES.limits(), "ephemeral-storage": "1Gi"},
        ),
        security_context=container_security(),
        volume_mounts=[
            core.v1.VolumeMountArgs(name="secrets", mount_path=SECRETS_MOUNT, read_only=True),
            core.v1.VolumeMountArgs(name="tmp", mount_path="/tmp"),
        ],
    )
    pod = core.v1.PodSpecArgs(
        restart_policy="Never",
        service_account_name=account,
        automount_service_account_token=False,
        enable_service_links=False,
        security_context=pod_security(),
        containers=[container],
        volumes=[
            core.v1.VolumeArgs(
                name="secrets", secret=core.v1.SecretVolumeSourceArgs(secret_name=args.secret, default_mode=0o440)
            ),
            core.v1.VolumeArgs(name="tmp", empty_dir=core.v1.EmptyDirVolumeSourceArgs(size_limit="1Gi")),
        ],
    )
    return batch.v1.JobSpecArgs(
        backoff_limit=2,
        active_deadline_seconds=args.deadline_seconds,
        template=core.v1.PodTemplateSpecArgs(
            metadata=meta.v1.ObjectMetaArgs(
                labels={**labels(args.component, args.product), URGENCY_LABEL: args.urgency}
            ),
            spec=pod,
        ),
    )
