"""img2img alternative test: start from the noise that would have led to the picture (12.6).

The noise is found in the worker, see `pipelines.inversion`; here is what the script sets.
"""

from __future__ import annotations

from pipelines.request import Img2ImgRequest
from scripts.axis import with_fields
from scripts.bench import Bench, Outcome, ScriptCall

TITLE = "img2img alternative test"


def run(call: ScriptCall, bench: Bench) -> Outcome:
    """One job with the settings overridden as asked for. Raises ValuesError."""
    result = bench.make(call, request_of(call), save=True)
    notes = ["the script was interrupted"] if result.stopped else []
    return Outcome(result.made, result.facts, notes)


def request_of(call: ScriptCall) -> Img2ImgRequest:
    """The request with the noise search in it, and what the script overrides."""
    args = call.args
    fields: dict[str, object] = {
        "inversion": {
            "prompt": args["prompt"],
            "negative_prompt": args["negative_prompt"],
            "steps": args["steps"],
            "cfg_scale": args["cfg"],
            "randomness": args["randomness"],
            "adjusted": args["adjusted"],
        }
    }
    if args["override_sampler"]:
        fields["sampling.sampler"] = "Euler"
    if args["override_prompt"]:
        fields |= {"prompt": args["prompt"], "negative_prompt": args["negative_prompt"]}
    if args["override_steps"]:
        fields["sampling.steps"] = args["steps"]
    if args["override_strength"]:
        fields["sampling.denoising_strength"] = 1.0
    return with_fields(call.request, fields)
