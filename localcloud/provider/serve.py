"""A provider as a process: a free loopback port, printed as plugins do, until a signal ends it."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import grpc

from localcloud.provider.protocol import provider_pb2_grpc
from localcloud.provider.resource import Provider, Scope
from localcloud.provider.servicer import Servicer

LARGEST_MESSAGE = 400 * 1024 * 1024
"""Bytes, the engine's own limit."""

THREADS = 64
"""Calls served at once: the engine's default parallelism on two cores is 32, and its farewell must not wait for those.
"""


NEVER = 2**31 - 1
"""Milliseconds: the largest value gRPC takes, which switches its idle timeout off."""


def serve(provider: Provider[Scope]) -> None:
    """Serve until SIGINT, SIGTERM or the engine's end, then exit at once: the engine waits five seconds for that."""
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    limits = [("grpc.max_receive_message_length", LARGEST_MESSAGE), ("grpc.max_send_message_length", LARGEST_MESSAGE)]
    server = grpc.server(ThreadPoolExecutor(THREADS), options=limits)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    engine = _engine_channel(stopped)
    stopped.wait()
    if engine:
        engine.close()
    os._exit(0)


def _engine_channel(stopped: Event) -> grpc.Channel | None:
    """Watch the engine, whose address is the first argument: one that was killed leaves no orphaned provider behind."""
    if len(sys.argv) < 2:
        return None
    channel = grpc.insecure_channel(sys.argv[1], options=[("grpc.client_idle_timeout_ms", NEVER)])
    connected = Event()

    def notice(state: grpc.ChannelConnectivity) -> None:
        if state is grpc.ChannelConnectivity.READY:
            connected.set()
        elif connected.is_set() or state is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            stopped.set()

    channel.subscribe(notice, try_to_connect=True)
    return channel


def plugin_script(python: Path, module: str) -> str:
    """The text of an executable `pulumi-resource-<name>` that runs a provider module of ours.

    `python` is the interpreter of the environment that has its packages. The engine passes its own address as an
    argument; PYTHONPATH names the folder of localcloud so that the plugin works from any working folder.
    """
    packages = Path(__file__).resolve().parents[2]
    return (
        "#!/bin/sh\n"
        f"PYTHONPATH={_quoted(str(packages))}${{PYTHONPATH:+:$PYTHONPATH}} \\\n"
        f'exec {_quoted(str(python))} -m {_quoted(module)} "$@"\n'
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
