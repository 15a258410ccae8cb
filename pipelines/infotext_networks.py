"""The networks that an infotext names, and those that are here: renamed or missing (10.3).

Which files there are is the business of models/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pipelines.prompt.networks import extract_networks, hypernetwork_tag, lora_tag, renamed
from pipelines.request import Img2ImgRequest


class NetworkFiles(Protocol):
    """The files of one kind of network."""

    def find(self, name: str) -> Any:
        """The file of this name (with `.name`), or None."""

    def hash_of(self, name: str) -> str:
        """The hash that infotexts tell of the file of this name, "" when there is none."""

    def name_of(self, digest: str) -> str:
        """The name of the file with this hash, "" when none is known."""


@dataclass(frozen=True)
class Localised:
    """A request whose network tags name what is here, and a sentence for each that is not."""

    request: Img2ImgRequest
    problems: tuple[str, ...] = ()


def localised(
    request: Img2ImgRequest,
    lora_hashes: Mapping[str, str],
    loras: NetworkFiles,
    hypernetworks: NetworkFiles,
) -> Localised:
    """Let the tags of both prompts name the files with the hashes of the infotext.

    `lora_hashes` are its "Lora hashes" by name. A LoRA that has another name here gets it; one that
    is not here, or that is another file here, is said.
    """
    problems: list[str] = []
    names: dict[str, str] = {}
    prompts = [request.prompt, request.hires.prompt if request.hires is not None else ""]
    for tag in (tag for prompt in prompts for tag in extract_networks(prompt)[1]):
        if lora_tag(tag) is not None and tag.name not in names:
            wanted = lora_hashes.get(re.sub("[:,]", "", tag.name), "")
            names[tag.name], said = _here(tag.name, wanted, loras)
            problems += said
        elif hypernetwork_tag(tag) is not None and hypernetworks.find(tag.name) is None:
            problems.append(
                f"The hypernetwork {tag.name} is not here; the picture is made without it."
            )
    changed = {old: new for old, new in names.items() if old != new}
    told = tuple(dict.fromkeys(problems))
    if not changed:
        return Localised(request, told)
    changes: dict[str, Any] = {"prompt": renamed(prompts[0], changed)}
    if request.hires is not None:
        prompt = renamed(prompts[1], changed)
        changes["hires"] = request.hires.model_copy(update={"prompt": prompt})
    return Localised(request.model_copy(update=changes), told)


def _here(name: str, wanted: str, loras: NetworkFiles) -> tuple[str, list[str]]:
    """What the LoRA is called here, and what there is to say."""
    found = loras.find(name)
    digest = loras.hash_of(name) if found is not None and wanted else ""
    if found is not None and digest == wanted:
        return name, []
    other = loras.name_of(wanted) if wanted else ""
    if other:
        return other, []
    if found is None:
        shown = f"{name} ({wanted})" if wanted else name
        return name, [f"The LoRA {shown} is not here; the picture is made without it."]
    return name, [
        f"The LoRA {name} is another file here ({digest or 'unreadable'}) than where the picture "
        f"was made ({wanted}): the picture may differ."
    ]
