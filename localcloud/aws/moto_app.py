"""The WSGI application: moto's own, quiet, with our additions and addresses for the rest of the embedded cloud."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TypeAlias

from flask import Flask
from moto import backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)

from localcloud.aws.addresses import BOOT_ID_PATH, DATABASES_PATH, PERMISSIONS_PATH
from localcloud.aws.permissions.gate import Gate

Environ: TypeAlias = dict[str, object]
StartResponse: TypeAlias = Callable[[str, list[tuple[str, str]]], object]


class RequestHandler(MotoRequestHandler):
    """Moto's handler without a line of log per request; errors are still written."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are not logged: a deployment makes hundreds."""


class Application:
    """Dispatches our own addresses, and what the gate lets through to moto."""

    def __init__(self, boot_id: str, gate: Gate) -> None:
        self._boot_id = boot_id
        self._gate = gate
        self._moto = DomainDispatcherApplication(_extended_backend_app)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        match environ.get("PATH_INFO"):
            case path if path == BOOT_ID_PATH:
                return _json(start_response, {"boot_id": self._boot_id})
            case path if path == DATABASES_PATH:
                from localcloud.aws.moto_databases import databases

                return _json(start_response, [database.as_json() for database in databases()])
            case path if path == PERMISSIONS_PATH:
                return _json(start_response, self._gate.asked())
            case _:
                refused = self._gate.refusal(environ)
                if refused is None:
                    return self._moto(environ, start_response)
                start_response(refused.status, list(refused.headers))
                return [] if environ.get("REQUEST_METHOD") == "HEAD" else [refused.body]


def _json(start_response: StartResponse, content: object) -> Iterable[bytes]:
    body = json.dumps(content).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def _extended_backend_app(service: backends.SERVICE_NAMES) -> Flask:
    """Moto's application for one service, after our additions to it: called once per service, on its first request."""
    match service:
        case "budgets":
            from localcloud.aws import moto_budgets as addition
        case "ec2":
            from localcloud.aws import moto_ec2 as addition
        case "elasticache":
            from localcloud.aws import moto_elasticache as addition
        case "rds":
            from localcloud.aws import moto_rds as addition
        case "s3":
            from localcloud.aws import moto_s3 as addition
        case "sns":
            from localcloud.aws import moto_sns as addition
        case _:
            return create_backend_app(service)
    addition.extend()
    return create_backend_app(service)
