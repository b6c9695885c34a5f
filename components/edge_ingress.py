"""The public edge by ingress-nginx, for clusters that still have it: the same routes, limits and headers as annotations
(the requirement documents' form; docs/decisions/gateway-api.md says why it is not the default).
"""

from __future__ import annotations

from typing import Final

import pulumi
from pulumi_kubernetes import networking

from components.edge import COMPONENT, LONG_READ, TALKATIVE_HEADERS, EdgeArgs, dns_annotations
from components.labels import metadata
from components.traffic_limits import STICKY_COOKIE
from stacks.specs.route import Affinity, EdgeHost, RouteGroup

INGRESS_CLASS: Final = "nginx"
BODY_LIMIT: Final = "10m"
CONNECT_SECONDS: Final = 60
_PREFIX: Final = "nginx.ingress.kubernetes.io"


class IngressEdge(pulumi.ComponentResource):
    """One Ingress for each group of paths, because limits and timeouts are an Ingress's own."""

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("contentgen:edge:IngressEdge", name, None, opts)
        for host in args.hosts:
            for backend, groups in host.backends.items():
                for group in groups:
                    networking.v1.Ingress(
                        f"{name}-{host.name}-{group.name}",
                        metadata=metadata(
                            COMPONENT,
                            args.product,
                            args.namespace,
                            f"{args.prefix}{host.name}-{group.name}",
                            {
                                **dns_annotations(host.published, args.region),
                                # An address is the controller's to give, long after the object is there.
                                "pulumi.com/skipAwait": "true",
                                **_annotations(args, backend, group),
                            },
                        ),
                        spec=_spec(args, host, backend, group),
                        opts=pulumi.ResourceOptions(parent=self),
                    )
        self.register_outputs({"hosts": [host.host for host in args.hosts]})


def _annotations(args: EdgeArgs, backend: str, group: RouteGroup) -> dict[str, str]:
    read = group.timeout.removesuffix("s")
    lines = [f"more_set_headers {_quoted(f'{key}: {value}')};\n" for key, value in sorted(args.headers.items())]
    headers = "".join([*lines, *(f'more_clear_headers "{key}";\n' for key in TALKATIVE_HEADERS)])
    found = {
        "ssl-redirect": "true",
        "force-ssl-redirect": "true",
        "proxy-body-size": BODY_LIMIT,
        "proxy-connect-timeout": str(CONNECT_SECONDS),
        "proxy-read-timeout": read,
        "proxy-send-timeout": LONG_READ.removesuffix("s"),
        "configuration-snippet": headers,
    }
    if group.rate is not None:
        # nginx allows a burst of the rate times the multiplier.
        found |= {
            "limit-rps": str(group.rate.per_second),
            "limit-burst-multiplier": str(max(1, group.rate.burst // group.rate.per_second)),
        }
    match args.affinity.get(backend):
        case Affinity.CLIENT:
            found |= {"affinity": "cookie", "session-cookie-name": STICKY_COOKIE}
        case Affinity.URI:
            found["upstream-hash-by"] = "$request_uri"
    return {f"{_PREFIX}/{key}": value for key, value in found.items()}


def _quoted(text: str) -> str:
    """A string of nginx' configuration, which a quotation mark within it would end."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _spec(args: EdgeArgs, host: EdgeHost, backend: str, group: RouteGroup) -> networking.v1.IngressSpecArgs:
    service = networking.v1.IngressServiceBackendArgs(
        name=backend, port=networking.v1.ServiceBackendPortArgs(number=args.backend_port)
    )
    paths = [
        networking.v1.HTTPIngressPathArgs(
            path=path if path == "/" else path.rstrip("/"),
            path_type="Prefix" if path != "/" and path.endswith("/") else "Exact",
            backend=networking.v1.IngressBackendArgs(service=service),
        )
        for path in group.paths
    ]
    rule = networking.v1.IngressRuleArgs(host=host.host, http=networking.v1.HTTPIngressRuleValueArgs(paths=paths))
    tls = networking.v1.IngressTLSArgs(hosts=[host.host], secret_name=args.certificate)
    return networking.v1.IngressSpecArgs(ingress_class_name=INGRESS_CLASS, rules=[rule], tls=[tls])
