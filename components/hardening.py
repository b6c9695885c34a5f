"""The pod and container security of every workload (requirement K03): one place, so none can be the exception."""

from __future__ import annotations

from pulumi_kubernetes import core

APPLICATION_UID = 1001


def pod_security(uid: int = APPLICATION_UID) -> core.v1.PodSecurityContextArgs:
    return core.v1.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=uid,
        run_as_group=uid,
        fs_group=uid,
        fs_group_change_policy="OnRootMismatch",
        seccomp_profile=core.v1.SeccompProfileArgs(type="RuntimeDefault"),
    )


def container_security() -> core.v1.SecurityContextArgs:
    return core.v1.SecurityContextArgs(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=core.v1.CapabilitiesArgs(drop=["ALL"]),
    )
