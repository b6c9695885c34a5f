"""The process that the engine starts: the SDK's own PolicyPack does the same with the SDK's own analyzer."""

from __future__ import annotations

import gc
import sys
from concurrent import futures
from typing import Final

import grpc
from pulumi.runtime.proto import analyzer_pb2_grpc

from policies.analyzer import Analyzer

WORKERS: Final = 4
GARBAGE_THRESHOLD: Final = 100_000
"""New objects before the first search for garbage; Python's own is 700."""
LARGEST_MESSAGE: Final = 400 * 2**20
"""Bytes; as the SDK has it. A stack of thousands of resources is one message."""


def serve(analyzer: Analyzer) -> None:
    """Answers the engine on a free port of the loopback until a signal stops it."""
    # What is imported stays until the end, and so do a stack's resources: searching them for garbage again and again
    # takes a third of the rules' time.
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    options = [("grpc.max_receive_message_length", LARGEST_MESSAGE)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=WORKERS), options=options)
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(analyzer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.buffer.write(f"{port}\n".encode())
    sys.stdout.buffer.flush()
    try:
        server.wait_for_termination()
    except KeyboardInterrupt:
        server.stop(0)
