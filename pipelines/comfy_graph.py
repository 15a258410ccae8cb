"""ComfyUI's two JSON formats as one graph: the API's (node id -> node) and the editor's.

Only the wiring is understood here; what nodes mean is in comfy_workflow.py. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

MAX_CHARACTERS = 20_000_000
MAX_NODES = 10_000

_SEED = "control_after_generate"
_WIDGETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "KSampler": (
            "seed", _SEED, "steps", "cfg", "sampler_name", "scheduler", "denoise",
        ),
        "KSamplerAdvanced": (
            "add_noise", "noise_seed", _SEED, "steps", "cfg", "sampler_name", "scheduler",
            "start_at_step", "end_at_step", "return_with_leftover_noise",
        ),
        "CLIPTextEncode": ("text",),
        "CLIPSetLastLayer": ("stop_at_clip_layer",),
        "CheckpointLoaderSimple": ("ckpt_name",),
        "VAELoader": ("vae_name",),
        "LoadImage": ("image",),
        "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
        "LoraLoaderModelOnly": ("lora_name", "strength_model"),
        "EmptyLatentImage": ("width", "height", "batch_size"),
        "ImageScale": ("upscale_method", "width", "height", "crop"),
    }
)  # fmt: skip
"""The editor's format keeps the widgets' values without their names, in this order."""

_CONTROLS = frozenset({"fixed", "increment", "decrement", "randomize"})
_MUTED, _BYPASSED = 2, 4


class WorkflowError(ValueError):
    """The text is no ComfyUI workflow that can be read; a sentence for the user."""


@dataclass(frozen=True)
class Link:
    """Where an input comes from."""

    node: str
    slot: int = 0


@dataclass(frozen=True)
class Node:
    """One node: what flows in by name, and its values by name. `position` is of the file."""

    id: str
    kind: str
    position: int
    links: Mapping[str, Link] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    is_bypassed: bool = False


@dataclass(frozen=True)
class Graph:
    """All nodes that are not muted."""

    nodes: Mapping[str, Node]

    def source(self, node: Node, *names: str) -> Node | None:
        """The node behind the first of these inputs that is wired, past reroutes and bypasses."""
        link = next((node.links[name] for name in names if name in node.links), None)
        for _ in range(len(self.nodes)):
            if link is None or link.node not in self.nodes:
                return None
            found = self.nodes[link.node]
            if not found.is_bypassed and found.kind != "Reroute":
                return found
            link = next(iter(found.links.values()), None)
        return None

    def value(self, node: Node, name: str, default: Any = None) -> Any:
        """A node's value: its own, or that of the primitive node wired to it."""
        if name in node.links:
            wired = self.source(node, name)
            if wired is not None and wired.values:
                return next(iter(wired.values.values()))
        return node.values.get(name, default)

    def upstream(self, node: Node) -> Iterator[Node]:
        """All nodes that flow into this one, nearest first, each once."""
        seen, waiting = {node.id}, [node]
        while waiting:
            current = waiting.pop(0)
            for link in current.links.values():
                if link.node in self.nodes and link.node not in seen:
                    seen.add(link.node)
                    waiting.append(self.nodes[link.node])
                    yield self.nodes[link.node]


def read_graph(text: str) -> Graph:
    """Read a workflow in either format. Raises WorkflowError."""
    if len(text) > MAX_CHARACTERS:
        raise WorkflowError(f"The workflow has more than {MAX_CHARACTERS} characters.")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WorkflowError("This is no workflow: the text is not valid JSON.") from error
    if not isinstance(content, dict):
        raise WorkflowError("This is no workflow: a JSON object of nodes is expected.")
    if isinstance(content.get("prompt"), dict):
        content = content["prompt"]  # as sent to ComfyUI's own server
    is_editors = isinstance(content.get("nodes"), list)
    nodes = list(_editor_nodes(content) if is_editors else _api_nodes(content))
    if not nodes:
        raise WorkflowError("This is no workflow: there are no nodes in it.")
    if len(nodes) > MAX_NODES:
        raise WorkflowError(f"The workflow has {len(nodes)} nodes, at most {MAX_NODES} are read.")
    return Graph({node.id: node for node in nodes})


def _api_nodes(content: Mapping[str, Any]) -> Iterator[Node]:
    for position, (key, node) in enumerate(content.items()):
        kind = node.get("class_type") if isinstance(node, dict) else None
        if not isinstance(kind, str):
            continue
        inputs = node.get("inputs")
        inputs = inputs if isinstance(inputs, dict) else {}
        links = {name: link for name, value in inputs.items() if (link := _api_link(value))}
        values = {name: value for name, value in inputs.items() if name not in links}
        yield Node(str(key), kind, position, links, values)


def _api_link(value: Any) -> Link | None:
    """`["4", 1]`: output 1 of node 4."""
    if isinstance(value, list) and len(value) == 2 and _is_id(value[0]) and _is_slot(value[1]):
        return Link(str(value[0]), value[1])
    return None


def _editor_nodes(content: Mapping[str, Any]) -> Iterator[Node]:
    wires = _wires(content.get("links"))
    for position, node in enumerate(content["nodes"]):
        if not isinstance(node, dict) or not _is_id(node.get("id")):
            continue
        kind, mode = node.get("type"), node.get("mode")
        if not isinstance(kind, str) or mode == _MUTED:
            continue
        yield Node(
            str(node["id"]),
            kind,
            position,
            _editor_links(node, wires),
            _editor_values(kind, node.get("widgets_values")),
            mode == _BYPASSED,
        )


def _wires(links: Any) -> dict[Any, Link]:
    """Link id -> its origin; each is a list of six or, in newer files, an object."""
    found = {}
    for link in links if isinstance(links, list) else ():
        if isinstance(link, list) and len(link) >= 3:
            number, origin, slot = link[:3]
        elif isinstance(link, dict):
            number, origin, slot = (link.get(k) for k in ("id", "origin_id", "origin_slot"))
        else:
            continue
        if _is_id(number) and _is_id(origin) and _is_slot(slot):
            found[number] = Link(str(origin), slot)
    return found


def _editor_links(node: Mapping[str, Any], wires: Mapping[Any, Link]) -> dict[str, Link]:
    inputs = node.get("inputs")
    links = {}
    for one in inputs if isinstance(inputs, list) else ():
        name, number = (one.get("name"), one.get("link")) if isinstance(one, dict) else (None, None)
        if isinstance(name, str) and _is_id(number) and number in wires:
            links[name] = wires[number]
    return links


def _editor_values(kind: str, widgets: Any) -> dict[str, Any]:
    if isinstance(widgets, dict):
        return {str(name): value for name, value in widgets.items()}
    if not isinstance(widgets, list):
        return {}
    names = _WIDGETS.get(kind, tuple(f"value {k}" for k in range(len(widgets))))
    if _SEED in names:
        at = names.index(_SEED)
        if not (len(widgets) > at and widgets[at] in _CONTROLS):
            names = (*names[:at], *names[at + 1 :])
    return dict(zip(names, widgets, strict=False))


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _is_slot(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
