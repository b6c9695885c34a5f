"""Pod Security Standards, control by control, as plain functions (Kubernetes documentation, "Pod Security Standards").

Baseline keeps pods out of the host; restricted asks for hardening besides. A part of a pod, as a patch states it, is
held to what is forbidden only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from policies.pods import containers, is_windows, pod, template
from policies.reading import Properties, at, mapping, mappings, number, shown, states, text, texts
from policies.rule import Resource

BASELINE: Final = "baseline"
RESTRICTED: Final = "restricted"

VOLUMES: Final = (
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
)
SAFE_SECCOMP: Final = ("RuntimeDefault", "Localhost")
SAFE_APPARMOR: Final = ("RuntimeDefault", "Localhost")
APPARMOR_ANNOTATION: Final = "container.apparmor.security.beta.kubernetes.io/"
SAFE_SELINUX: Final = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
SAFE_SYSCTLS: Final = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_syncookies",
)
BASELINE_CAPABILITIES: Final = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)
RESTRICTED_CAPABILITIES: Final = ("NET_BIND_SERVICE",)


def baseline(resource: Resource) -> Iterator[str]:
    """Violations of the baseline profile, which keeps a pod out of the host's namespaces, files, ports and kernel."""
    spec = pod(resource)
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key) not in (None, False):
            yield f"{key} is {shown(spec.get(key))}; a pod stays out of the host's namespaces"
    for volume in mappings(spec.get("volumes")):
        if states(volume, "hostPath"):
            yield f"volume {text(volume.get('name'))} is a hostPath; allowed are {', '.join(VOLUMES)}"
    context = mapping(spec.get("securityContext"))
    for one in mappings(context.get("sysctls")):
        if text(one.get("name")) not in SAFE_SYSCTLS:
            yield f"sets the sysctl {shown(one.get('name'))}; allowed are {', '.join(SAFE_SYSCTLS)}"
    yield from _profiles(context)
    annotations = mapping(at(template(resource), "metadata", "annotations"))
    for key in annotations:
        if key.startswith(APPARMOR_ANNOTATION):
            profile = text(annotations.get(key))
            if profile not in ("", "runtime/default") and not profile.startswith("localhost/"):
                yield f"the annotation {key} is {profile!r}; allowed are runtime/default and localhost/..."
    for name, container in containers(resource):
        yield from (f"{name}: {wrong}" for wrong in _contained(container))


def _profiles(context: Properties) -> Iterator[str]:
    """Violations of a security context in the kernel's protections: hostProcess, AppArmor, seccomp, SELinux."""
    if at(context, "windowsOptions", "hostProcess") not in (None, False):
        yield f"windowsOptions.hostProcess is {shown(at(context, 'windowsOptions', 'hostProcess'))}; allowed is false"
    apparmor = text(at(context, "appArmorProfile", "type"))
    if apparmor and apparmor not in SAFE_APPARMOR:
        yield f"appArmorProfile.type is {apparmor}; allowed are {' and '.join(SAFE_APPARMOR)}"
    seccomp = text(at(context, "seccompProfile", "type"))
    if seccomp and seccomp not in SAFE_SECCOMP:
        yield f"seccompProfile is {seccomp}; allowed are {' and '.join(SAFE_SECCOMP)}"
    selinux = mapping(context.get("seLinuxOptions"))
    if text(selinux.get("type")) not in SAFE_SELINUX:
        yield f"seLinuxOptions.type is {shown(selinux.get('type'))}; allowed are {', '.join(SAFE_SELINUX[1:])}"
    for key in ("user", "role"):
        if text(selinux.get(key)):
            yield f"seLinuxOptions.{key} is {shown(selinux.get(key))}; it must be absent"


def _contained(container: Properties) -> Iterator[str]:
    own = mapping(container.get("securityContext"))
    if own.get("privileged") not in (None, False):
        yield f"privileged is {shown(own.get('privileged'))}; allowed is false"
    yield from _profiles(own)
    if text(own.get("procMount")) not in ("", "Default"):
        yield f"procMount is {shown(own.get('procMount'))}; allowed is Default"
    for added in texts(at(own, "capabilities", "add")):
        if added not in BASELINE_CAPABILITIES:
            yield f"adds the capability {added}; allowed are {', '.join(BASELINE_CAPABILITIES)}"
    for port in mappings(container.get("ports")):
        if number(port.get("hostPort")):
            yield f"takes port {shown(port.get('hostPort'))} of the host"
    for what in ("livenessProbe", "readinessProbe", "startupProbe"):
        yield from _own_host(what, mapping(container.get(what)))
    for what in ("postStart", "preStop"):
        yield from _own_host(f"lifecycle.{what}", mapping(at(container, "lifecycle", what)))


def _own_host(what: str, action: Properties) -> Iterator[str]:
    for way in ("httpGet", "tcpSocket"):
        host = text(at(action, way, "host"))
        if host:
            yield f"{what}.{way}.host is {host!r}; it must be absent, or the node asks other machines for the pod"


def restricted(resource: Resource) -> Iterator[str]:
    """Violations of the restricted profile beyond baseline. Windows has no capabilities, seccomp or privilege
    escalation.
    """
    spec = pod(resource)
    for volume in mappings(spec.get("volumes")):
        for kind in volume:
            if kind not in ("name", "hostPath", *VOLUMES):
                yield f"volume {text(volume.get('name'))} is a {kind}; allowed are {', '.join(VOLUMES)}"
    of_pod = mapping(spec.get("securityContext"))
    if number(of_pod.get("runAsUser")) == 0:
        yield "runAsUser is 0, which is root"
    found = list(containers(resource))
    if not found and not resource.partial:
        yield "has no container that could be looked at"
    for name, container in found:
        own = mapping(container.get("securityContext"))
        yield from (f"{name}: {wrong}" for wrong in _forbidden(own))
        if not resource.partial:
            yield from (f"{name}: {wrong}" for wrong in _missing(own, of_pod, windows=is_windows(resource)))


def _forbidden(own: Properties) -> Iterator[str]:
    if own.get("allowPrivilegeEscalation") is True:
        yield "allowPrivilegeEscalation is True; allowed is false"
    for added in texts(at(own, "capabilities", "add")):
        if added in BASELINE_CAPABILITIES and added not in RESTRICTED_CAPABILITIES:
            yield f"adds the capability {added}; allowed is NET_BIND_SERVICE alone"
    if number(own.get("runAsUser")) == 0:
        yield "runAsUser is 0, which is root"
    if own.get("runAsNonRoot") is False:
        yield "runAsNonRoot is False; allowed is true"


def _missing(own: Properties, of_pod: Properties, *, windows: bool) -> Iterator[str]:
    if not states(own, "runAsNonRoot") and of_pod.get("runAsNonRoot") is not True:
        yield "runAsNonRoot is not true"
    if windows:
        return
    if not isinstance(own.get("allowPrivilegeEscalation"), bool):
        yield f"allowPrivilegeEscalation is {shown(own.get('allowPrivilegeEscalation'))}; allowed is false"
    if "ALL" not in texts(at(own, "capabilities", "drop")):
        yield "capabilities.drop does not hold ALL"
    profile = text(at(own, "seccompProfile", "type")) or text(at(of_pod, "seccompProfile", "type"))
    if not profile:
        yield f"seccompProfile is absent; allowed are {' and '.join(SAFE_SECCOMP)}"
