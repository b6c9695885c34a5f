"""A ComfyUI graph in its API format, with places for what an order says.

A text may hold ``{prompt}`` and ``{name}``; one that is nothing but ``{frames}``, ``{seconds}`` or ``{seed}`` becomes
that number. The default is Wan 2.1's text-to-video model of 1.3 billion parameters, which fits a T4: its videos have 16
frames a second, and one frame more than a multiple of four.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from app.video_gateway.renderer import Order

FRAMES_A_SECOND: Final = 16
LARGEST_SEED: Final = 2**32
PROMPT, NAME = "{prompt}", "{name}"

Graph = Mapping[str, object]


def default_graph() -> Graph:
    """The graph that comes with the package."""
    return parsed((files("app.video_gateway") / "workflow.json").read_text(encoding="utf-8"))


def parsed(text: str) -> Graph:
    """A graph from its JSON. Raises ValueError for what cannot be one."""
    graph = json.loads(text)
    if not isinstance(graph, dict) or not graph:
        raise ValueError("no JSON object of nodes")
    wrong = [name for name, node in graph.items() if not (isinstance(node, dict) and "class_type" in node)]
    if wrong:
        raise ValueError(f"node {wrong[0]} has no class_type: save the graph in ComfyUI's API format")
    if PROMPT not in text:
        raise ValueError(f"no node takes the prompt: write {PROMPT} where it belongs")
    return graph


def filled_in(graph: Graph, order: Order) -> Graph:
    """The graph of one order. The prompt is put into parsed values, so nothing in it can change the graph."""
    numbers: dict[str, object] = {
        "{frames}": order.seconds * FRAMES_A_SECOND + 1,
        "{seconds}": order.seconds,
        "{seed}": order.id.uuid.int % LARGEST_SEED,
    }

    def put(value: object) -> object:
        if isinstance(value, dict):
            return {key: put(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [put(inner) for inner in value]
        if isinstance(value, str):
            return numbers.get(value) or value.replace(NAME, str(order.id)).replace(PROMPT, order.prompt)
        return value

    return {name: put(node) for name, node in graph.items()}
