"""Shapes of all calls that do not generate, under the names code generators know (api 3.12)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from api.wire import WireInt, WireModel, WireText
from jobs.options import OPTIONS


class Flags(BaseModel):
    """Answer of /cmd-flags: whatever flags there are."""

    model_config = ConfigDict(extra="allow")


_OPTION_FIELDS: dict[str, Any] = {
    option.key: (type(option.default) | None, Field(None, description=option.text))
    for option in OPTIONS
}
Options: type[BaseModel] = create_model("Options", **_OPTION_FIELDS)
"""Answer of /options: every setting, described from the table."""


class SamplerItem(BaseModel):
    """One sampler."""

    name: str
    aliases: list[str]
    options: dict[str, Any]


class SchedulerItem(BaseModel):
    """One schedule type."""

    name: str
    label: str
    aliases: list[str] | None
    default_rho: float
    need_inner_model: bool


class UpscalerItem(BaseModel):
    """One upscaler."""

    name: str
    model_name: str | None
    model_path: str | None
    model_url: str | None
    scale: float | None


class LatentUpscalerModeItem(BaseModel):
    """One latent upscale mode."""

    name: str


class SDModelItem(BaseModel):
    """One checkpoint."""

    model_config = ConfigDict(protected_namespaces=())

    title: str
    model_name: str
    hash: str | None
    sha256: str | None
    filename: str
    config: str | None


class SDVaeItem(BaseModel):
    """One VAE."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: str
    filename: str


class HypernetworkItem(BaseModel):
    """One hypernetwork."""

    name: str
    path: str | None


class FaceRestorerItem(BaseModel):
    """One face restorer."""

    name: str
    cmd_dir: str | None


class RealesrganItem(BaseModel):
    """One Real-ESRGAN model."""

    name: str
    path: str | None
    scale: int | None


class PromptStyleItem(BaseModel):
    """One saved style."""

    name: str
    prompt: str | None
    negative_prompt: str | None


class EmbeddingItem(BaseModel):
    """One embedding."""

    step: int | None
    sd_checkpoint: str | None
    sd_checkpoint_name: str | None
    shape: int
    vectors: int


class EmbeddingsResponse(BaseModel):
    """Answer of /embeddings."""

    loaded: dict[str, EmbeddingItem]
    skipped: dict[str, EmbeddingItem]


class LoraItem(BaseModel):
    """One LoRA."""

    name: str
    alias: str
    path: str
    metadata: dict[str, Any]


class ScriptsList(BaseModel):
    """Answer of /scripts: titles in lower case."""

    txt2img: list[str] | None
    img2img: list[str] | None


class ScriptArg(BaseModel):
    """One argument of a script."""

    label: str | None = None
    value: Any | None = None
    minimum: Any | None = None
    maximum: Any | None = None
    step: Any | None = None
    choices: list[str] | None = None


class ScriptInfo(BaseModel):
    """One script."""

    name: str | None = None
    is_alwayson: bool | None = None
    is_img2img: bool | None = None
    args: list[ScriptArg]


class ExtensionItem(BaseModel):
    """One extension."""

    name: str
    remote: str
    branch: str
    commit_hash: str
    version: str
    commit_date: str
    enabled: bool


class MemoryResponse(BaseModel):
    """Answer of /memory, in bytes."""

    ram: dict[str, Any]
    cuda: dict[str, Any]


class PNGInfoRequest(WireModel):
    """Body of /png-info."""

    image: WireText


class PNGInfoResponse(BaseModel):
    """Answer of /png-info."""

    info: str = Field(description="The infotext, or empty.")
    items: dict[str, Any] = Field(description="All other texts of the file.")
    parameters: dict[str, Any] = Field(description="The infotext's pairs.")


class ProgressResponse(BaseModel):
    """Answer of /progress."""

    progress: float
    eta_relative: float
    state: dict[str, Any]
    current_image: str | None = None
    textinfo: str | None = None
    current_task: str | None = None


class TaskProgressRequest(WireModel):
    """Body of /internal/progress."""

    id_task: WireText
    id_live_preview: WireInt = -1
    live_preview: bool = True


class TaskProgressResponse(BaseModel):
    """Answer of /internal/progress."""

    active: bool
    queued: bool
    completed: bool
    progress: float | None = None
    eta: float | None = None
    live_preview: str | None = None
    id_live_preview: int | None = None
    textinfo: str | None = None


class PendingTasks(BaseModel):
    """Answer of /internal/pending-tasks."""

    size: int
    tasks: list[str]
