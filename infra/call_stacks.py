"""Source position of each resource declaration, without the Python call stack (docs/decisions/call-stacks.md).

With each resource the SDK sends the whole Python call stack, and the engine keeps it. That was 28 % of production's
state, which the engine writes anew at each step of an update, and it names folders of the machine that ran the program.
"""

from __future__ import annotations

import sys
import traceback
from typing import Final

from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2

CONSTRUCTORS: Final = 3
"""Number of constructors between a declaration and the SDK: the resource's own class, its kind, and any resource."""


def shorten() -> None:
    """From now on a resource comes with one frame, the one that declares it; that is what its source position is."""
    resource._get_stack_trace = declaring_frame


def declaring_frame() -> source_pb2.StackTrace:
    """The frame that called the outermost constructor of the resource being made; none when there is no such frame."""
    frame, constructors = sys._getframe(1), 0
    while frame.f_back is not None and constructors < CONSTRUCTORS:
        constructors += frame.f_code.co_name == "__init__"
        frame = frame.f_back
    if constructors < CONSTRUCTORS:
        return source_pb2.StackTrace()
    summary = traceback.FrameSummary(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, lookup_line=False)
    return source_pb2.StackTrace(frames=[source_pb2.StackFrame(pc=resource._get_source_position_for_frame(summary))])
