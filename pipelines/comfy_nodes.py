"""Which nodes of a ComfyUI workflow nothing is taken over from. Pure."""

from __future__ import annotations

from typing import Final

from pipelines.comfy_graph import WorkflowError, read_graph

UNDERSTOOD: Final = frozenset(
    {
        "CLIPSetLastLayer",
        "CLIPTextEncode",
        "CheckpointLoaderSimple",
        "EmptyLatentImage",
        "ImageScale",
        "KSampler",
        "KSamplerAdvanced",
        "LoadImage",
        "LoraLoader",
        "LoraLoaderModelOnly",
        "VAEDecode",
        "VAEDecodeTiled",
        "VAEEncode",
        "VAEEncodeTiled",
        "VAELoader",
    }
)
"""Nodes whose values are read (`comfy_workflow`)."""

WITHOUT_EFFECT: Final = frozenset(
    {"MarkdownNote", "Note", "PreviewImage", "PrimitiveNode", "Reroute", "SaveImage"}
)
"""Nodes that change nothing about the picture."""


def left_out(text: str) -> tuple[str, ...]:
    """Kinds of the active nodes that are not read, in the order of the file, each once.

    Empty for a text that is no workflow.
    """
    try:
        graph = read_graph(text)
    except WorkflowError:
        return ()
    nodes = sorted(graph.nodes.values(), key=lambda node: node.position)
    kinds = (node.kind for node in nodes if not node.is_bypassed)
    return tuple(dict.fromkeys(k for k in kinds if k not in UNDERSTOOD | WITHOUT_EFFECT))
