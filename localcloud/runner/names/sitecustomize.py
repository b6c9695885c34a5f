"""Cluster names for a Python process that runs without a cluster's name service.

Loaded by the interpreter because the runner puts this folder on PYTHONPATH. Names of Services and managed stores come
from the runner's table; every other name goes to the system as always.
"""

import asyncio
import json
import os
import socket

_TABLE = os.environ["LOCALCLOUD_NAMES"]
_NAMESPACE = os.environ["LOCALCLOUD_NAMESPACE"]
_PRIVILEGED, _SHIFT = (int(part) for part in os.environ["LOCALCLOUD_LOW_PORTS"].split("+"))
_system_getaddrinfo = socket.getaddrinfo


def _names():
    with open(_TABLE, encoding="utf-8") as table:
        return json.load(table)


def _place(host, port):
    """Address that a name and port are listened on: low ports of Services stand higher, because they take a privilege.

    Some libraries resolve a name first and connect to its address with the port they were given, so an address that is
    a Service's counts as its name.
    """
    if isinstance(host, bytes):
        host = host.decode("ascii")
    if not isinstance(host, str):
        return host, port
    names = _names()
    plain = host.rstrip(".").removesuffix(".cluster.local").removesuffix(".svc")
    address = names.get(plain) or names.get(f"{plain}.{_NAMESPACE}") or host
    if address in names.values() and str(port).isdigit() and int(port) < _PRIVILEGED:
        return address, int(port) + _SHIFT
    return address, port


def getaddrinfo(host, port, *arguments, **options):
    return _system_getaddrinfo(*_place(host, port), *arguments, **options)


socket.getaddrinfo = getaddrinfo


def _patch(loop):
    """uvloop resolves names in C, past the socket module, and asyncio does not resolve an address at all."""
    connect, resolve = loop.create_connection, loop.getaddrinfo

    async def create_connection(self, protocol_factory, host=None, port=None, *arguments, **options):
        # The certificate is for the name, whatever address it has.
        if options.get("ssl") and options.get("server_hostname") is None and isinstance(host, str):
            options["server_hostname"] = host
        return await connect(self, protocol_factory, *_place(host, port), *arguments, **options)

    async def loop_getaddrinfo(self, host, port, *arguments, **options):
        return await resolve(self, *_place(host, port), *arguments, **options)

    loop.create_connection = create_connection
    loop.getaddrinfo = loop_getaddrinfo


_patch(asyncio.BaseEventLoop)
try:
    import uvloop
except ImportError:
    pass
else:
    _patch(uvloop.Loop)
