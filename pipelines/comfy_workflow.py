"""From a ComfyUI workflow to our settings, its step semantics included (behaviour 6.6). Pure.

Understood is the chain picture (LoadImage, VAEEncode) or empty latent -> KSampler or KSampler
(Advanced), with its texts, checkpoint, VAE, LoRAs and clip skip; other nodes are named and left
out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pipelines.comfy_graph import Graph, Node, WorkflowError, read_graph
from pipelines.infotext_values import field_range
from pipelines.request import (
    MAX_PIXELS,
    Emphasis,
    Frozen,
    Img2ImgRequest,
    NoiseSource,
    Sampling,
    Seeds,
    StepSemantics,
)
from pipelines.sampler_names import find_sampler

__all__ = [
    "AppliedWorkflow",
    "WorkflowError",
    "apply_workflow",
    "find_workflow",
    "looks_like_workflow",
]

FULL_DENOISE = 0.9999
"""Above this KSampler runs the whole schedule (behaviour 6.6)."""

_SAMPLER_KINDS = ("KSampler", "KSamplerAdvanced")
_OUTPUT_KINDS = ("SaveImage", "PreviewImage")
_ENCODERS = ("VAEEncode", "VAEEncodeForInpaint", "VAEEncodeTiled")
_LORAS = ("LoraLoader", "LoraLoaderModelOnly")
_MASKS = ("VAEEncodeForInpaint", "SetLatentNoiseMask", "InpaintModelConditioning")
_LONGEST_PROMPT = 100_000

_SAMPLERS: Mapping[str, str] = MappingProxyType(
    {
        "euler": "Euler",
        "ddim": "Euler",  # ComfyUI runs its euler under this name
        "euler_ancestral": "Euler a",
        "heun": "Heun",
        "dpm_2": "DPM2",
        "dpm_2_ancestral": "DPM2 a",
        "lms": "LMS",
        "dpm_fast": "DPM fast",
        "dpm_adaptive": "DPM adaptive",
        "dpmpp_2s_ancestral": "DPM++ 2S a",
        "dpmpp_sde": "DPM++ SDE",
        "dpmpp_sde_gpu": "DPM++ SDE",
        "dpmpp_2m": "DPM++ 2M",
        "dpmpp_2m_sde": "DPM++ 2M SDE",
        "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
        "dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
        "dpmpp_2m_sde_heun_gpu": "DPM++ 2M SDE Heun",
        "dpmpp_3m_sde": "DPM++ 3M SDE",
        "dpmpp_3m_sde_gpu": "DPM++ 3M SDE",
        "lcm": "LCM",
        "uni_pc": "UniPC",
        "uni_pc_bh2": "UniPC",
    }
)
_SCHEDULERS: Mapping[str, str] = MappingProxyType(
    {
        "normal": "Normal",
        "karras": "Karras",
        "exponential": "Exponential",
        "simple": "Simple",
        "sgm_uniform": "SGM Uniform",
        "ddim_uniform": "DDIM",
        "beta": "Beta",
        "kl_optimal": "KL Optimal",
    }
)
_OTHER_GRID = frozenset({"uni_pc", "uni_pc_bh2", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu"})
_OTHER_FORMULA = frozenset({"beta", "kl_optimal"})


@dataclass(frozen=True)
class AppliedWorkflow:
    """What a workflow made of a request.

    `is_img2img`: it paints over a picture, whose name is `image_name`; the request's own init
    images are kept. `problems` are sentences: what was left out, or makes another picture here.
    """

    request: Img2ImgRequest
    is_img2img: bool
    image_name: str | None = None
    model_name: str | None = None
    vae_name: str | None = None
    problems: tuple[str, ...] = ()


def find_workflow(texts: Mapping[str, str]) -> str | None:
    """The workflow among the texts of a picture file (`read_metadata`), or None.

    ComfyUI writes what it ran as "prompt" and the editor's view of it as "workflow".
    """
    for key in ("prompt", "workflow"):
        text = texts.get(key, "").lstrip()
        if text.startswith("{"):
            return text
    return None


def looks_like_workflow(text: str) -> bool:
    """Whether a pasted text is meant as a workflow, not as an infotext."""
    return text.lstrip().startswith("{") and ('"class_type"' in text or '"nodes"' in text)


def apply_workflow(text: str, base: Img2ImgRequest) -> AppliedWorkflow:
    """Set everything that a workflow (JSON, either format) says in `base`.

    Pictures, batch count and checkpoint are kept from `base`. Values out of range are moved into
    it. Raises WorkflowError when this is no workflow or has no KSampler.
    """
    graph = read_graph(text)
    reading = _Reading(graph, _sampler(graph))
    sampling, tuning = reading.sampling(base.sampling), base.tuning
    changes: dict[str, Any] = {
        "sampling": sampling,
        # ComfyUI asks the network at whole timesteps and draws its noise on the CPU (6.6).
        "tuning": tuning.model_copy(
            update={"quantize_timesteps": True, "sgm_noise_multiplier": False}
        ),
        "seeds": reading.seeds(),
        "emphasis": Emphasis.NO_NORM,
        "hires": None,
        "refiner": None,
        **reading.prompts(),
        **reading.size(base),
    }
    clip_skip = reading.clip_skip()
    changes["clip_skip"] = clip_skip
    reading.note_rest()
    return AppliedWorkflow(
        request=base.model_copy(update=changes),
        is_img2img=reading.encoder is not None,
        image_name=reading.text_of(reading.picture(), "image"),
        model_name=reading.text_of(reading.checkpoint(), "ckpt_name"),
        vae_name=reading.vae_name(),
        problems=tuple(dict.fromkeys(reading.problems)),
    )


def _sampler(graph: Graph) -> Node:
    """The sampler nearest to an output, else the first of the file."""
    outputs = [node for node in graph.nodes.values() if node.kind in _OUTPUT_KINDS]
    for output in sorted(outputs, key=lambda node: node.position):
        for node in graph.upstream(output):
            if node.kind in _SAMPLER_KINDS and not node.is_bypassed:
                return node
    for node in graph.nodes.values():
        if node.kind in _SAMPLER_KINDS and not node.is_bypassed:
            return node
    raise WorkflowError("The workflow has no KSampler or KSampler (Advanced), so nothing is read.")


@dataclass
class _Reading:
    """One workflow being read, from its sampler backwards."""

    graph: Graph
    sampler: Node
    problems: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    @property
    def encoder(self) -> Node | None:
        """The node that turns a picture into the sampler's latent; None for txt2img."""
        return next((n for n in self._latents() if n.kind in _ENCODERS), None)

    def _latents(self) -> list[Node]:
        """The nodes from the sampler's latent input back to its origin."""
        found: list[Node] = []
        node = self.graph.source(self.sampler, "latent_image")
        while node is not None and node not in found:
            found.append(node)
            node = self.graph.source(node, "samples", "latent", "latent_image")
        return found

    def sampling(self, base: Sampling) -> Sampling:
        """Sampler, schedule, steps and what they mean (behaviour 6.6)."""
        changes = self._names() | {
            "steps": self._number("steps", Sampling, "steps", 20),
            "cfg_scale": self._number("cfg", Sampling, "cfg_scale", 8.0),
        }
        if self.sampler.kind == "KSampler":
            changes |= self._simple()
        else:
            changes |= {
                "semantics": StepSemantics.START_AT_STEP,
                "start_at_step": self._number("start_at_step", Sampling, "start_at_step", 0),
                "end_at_step": self._number("end_at_step", Sampling, "end_at_step", 10000),
                "add_noise": self._value("add_noise", "enable") != "disable",
                "return_with_leftover_noise": (
                    self._value("return_with_leftover_noise", "disable") == "enable"
                ),
            }
        return base.model_copy(update=changes)

    def _simple(self) -> dict[str, Any]:
        """KSampler: always all its steps, on the end of a finer schedule."""
        strength = self._number("denoise", Sampling, "denoising_strength", 1.0)
        if self.encoder is None and strength <= FULL_DENOISE:
            self.problems.append(
                f"denoise {strength:g} on an empty latent cannot be said here; all steps run."
            )
            strength = 1.0
        rest = {"start_at_step": 0, "end_at_step": 10000}
        rest |= {"add_noise": True, "return_with_leftover_noise": False}
        if strength > FULL_DENOISE:  # the noise is scaled as for KSampler (Advanced) then
            return {"semantics": StepSemantics.START_AT_STEP, "denoising_strength": 1.0, **rest}
        return {"semantics": StepSemantics.EXACT, "denoising_strength": strength, **rest}

    def _names(self) -> dict[str, str]:
        wanted = str(self._value("sampler_name", "euler"))[:80]
        schedule = str(self._value("scheduler", "normal"))[:80]
        sampler = _SAMPLERS.get(wanted) or getattr(find_sampler(wanted), "name", None)
        if sampler is None:
            self.problems.append(f"The sampler {wanted!r} does not exist here; Euler is used.")
        if wanted in _OTHER_GRID:
            self.problems.append(f"The sampler {wanted} steps through another grid here.")
        if schedule not in _SCHEDULERS:
            self.problems.append(f"The schedule {schedule!r} does not exist here; Normal is used.")
        if schedule in _OTHER_FORMULA:
            self.problems.append(f"The schedule {schedule} is computed in another way here.")
        return {"sampler": sampler or "Euler", "scheduler": _SCHEDULERS.get(schedule, "Normal")}

    def seeds(self) -> Seeds:
        """ComfyUI draws the noise of a whole batch from one seed on the CPU."""
        name = "seed" if self.sampler.kind == "KSampler" else "noise_seed"
        return Seeds(seed=int(self._number(name, Seeds, "seed", 0)), source=NoiseSource.CPU)

    def prompts(self) -> dict[str, str]:
        """Both texts, with a tag for each LoRA."""
        positive, negative = self._text("positive"), self._text("negative")
        for lora in reversed(self._chain(self.sampler, "model", _LORAS)):
            positive += self._lora_tag(lora)
        if "(" in positive + negative:
            self.problems.append("ComfyUI weighs (text:1.2) in another way than it is done here.")
        return {
            "prompt": positive[:_LONGEST_PROMPT],
            "negative_prompt": negative[:_LONGEST_PROMPT],
        }

    def _text(self, name: str) -> str:
        node = self._encoded_text(name)
        if node is None:
            self.problems.append(f"The {name} text could not be found.")
            return ""
        text = str(self.graph.value(node, "text", ""))
        # Square brackets mean nothing in ComfyUI; here they would edit the prompt.
        return text.replace("embedding:", "").replace("[", "\\[").replace("]", "\\]")

    def _encoded_text(self, name: str) -> Node | None:
        node = self.graph.source(self.sampler, name)
        for _ in range(len(self.graph.nodes)):
            if node is None or node.kind == "CLIPTextEncode":
                break
            self.problems.append(f"The node {node.kind} is left out.")
            node = self.graph.source(node, name, "conditioning", "conditioning_1")
        if node is not None:
            self.used.add(node.id)
        return node

    def _lora_tag(self, lora: Node) -> str:
        name = str(self.graph.value(lora, "lora_name", "")).replace("\\", "/").rsplit("/", 1)[-1]
        stem = name.rsplit(".", 1)[0] if "." in name else name
        model = _finite(self.graph.value(lora, "strength_model", 1.0), 1.0)
        clip = _finite(self.graph.value(lora, "strength_clip", 0.0), 0.0)
        return f" <lora:{stem}:{clip:g}:{model:g}>"

    def clip_skip(self) -> int:
        """-2 of ComfyUI's CLIPSetLastLayer is clip skip 2."""
        text = self._encoded_text("positive")
        layers = [] if text is None else self._chain(text, "clip", ("CLIPSetLastLayer",))
        if not layers:
            return 1
        stop = _finite(self.graph.value(layers[0], "stop_at_clip_layer", -1), -1.0)
        return int(min(12, max(1, -stop)))

    def size(self, base: Img2ImgRequest) -> dict[str, int]:
        """Width, height and batch size where the workflow fixes them."""
        chain = [*self._latents(), *self._pictures()]
        node = next((n for n in chain if n.kind in ("EmptyLatentImage", "ImageScale")), None)
        if node is None:
            return {}
        self.used.add(node.id)
        width = int(self._number("width", Img2ImgRequest, "width", base.width, node))
        height = int(self._number("height", Img2ImgRequest, "height", base.height, node))
        if width * height > MAX_PIXELS:
            self.problems.append(f"{width}x{height} is too large; the size is kept.")
            return {}
        batch = self._number("batch_size", Img2ImgRequest, "batch_size", base.batch_size, node)
        if batch > 1:
            self.problems.append("Only the first picture of a batch has ComfyUI's noise here.")
        return {"width": width, "height": height, "batch_size": int(batch)}

    def _pictures(self) -> list[Node]:
        found: list[Node] = []
        encoder = self.encoder
        node = None if encoder is None else self.graph.source(encoder, "pixels")
        while node is not None and node not in found:
            found.append(node)
            node = self.graph.source(node, "image", "pixels", "images")
        return found

    def picture(self) -> Node | None:
        """The LoadImage node behind the latent."""
        return next((node for node in self._pictures() if node.kind == "LoadImage"), None)

    def checkpoint(self) -> Node | None:
        """The checkpoint loader behind the model."""
        found = self._chain(self.sampler, "model", ("CheckpointLoaderSimple",))
        return found[0] if found else None

    def vae_name(self) -> str | None:
        """The file of the VAE that encodes or decodes, unless it is the checkpoint's."""
        for node in self.graph.nodes.values():
            if node.kind in (*_ENCODERS, "VAEDecode"):
                source = self.graph.source(node, "vae")
                if source is not None and source.kind == "VAELoader":
                    self.used.add(source.id)
                    return self.text_of(source, "vae_name")
        return None

    def _chain(self, node: Node, name: str, kinds: tuple[str, ...]) -> list[Node]:
        """The nodes of some kinds along one kind of wire, nearest first."""
        found, seen = [], {node.id}
        current = self.graph.source(node, name)
        while current is not None and current.id not in seen:
            seen.add(current.id)
            self.used.add(current.id)
            if current.kind in kinds:
                found.append(current)
            current = self.graph.source(current, name)
        return found

    def note_rest(self) -> None:
        """Say what acts in the workflow and is not done here."""
        if any(node.kind in _SAMPLER_KINDS for node in self._latents()):
            self.problems.append("An earlier sampler feeds this one; only the last one is read.")
        for node in [*self._latents(), *self._pictures()]:
            if node.kind in _MASKS:
                self.problems.append(f"The mask of {node.kind} is left out; paint it again.")
        for node in self.graph.upstream(self.sampler):
            if "ControlNet" in node.kind:
                self.problems.append(f"The node {node.kind} is left out.")

    def text_of(self, node: Node | None, name: str) -> str | None:
        """A text value of a node that may be missing."""
        value = None if node is None else self.graph.value(node, name)
        return value if isinstance(value, str) else None

    def _value(self, name: str, default: Any) -> Any:
        return self.graph.value(self.sampler, name, default)

    def _number(
        self, name: str, model: type[Frozen], target: str, default: float, node: Node | None = None
    ) -> Any:
        """A number of the sampler (or of `node`) within the range of a request's field."""
        value = _finite(self.graph.value(node or self.sampler, name, default), float(default))
        low, high = field_range(model, target)
        moved = max(value, low) if low is not None else value
        moved = min(moved, high) if high is not None else moved
        if moved != value:
            self.problems.append(f"{name} {str(value)[:40]} is out of range; {moved:g} is used.")
        return int(moved) if isinstance(default, int) else moved


def _finite(value: Any, default: float) -> Any:
    """A number of the file, whole numbers as they are; `default` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return value if isinstance(value, int) or math.isfinite(value) else default
