"""What of a job's circumstances its infotexts tell (behaviour 10.2)."""

from __future__ import annotations

from pipelines.frozen import Frozen


class Telling(Frozen):
    """Names and hashes of the files, and the program's version.

    Part of the job, which is made again with the same infotext whatever the settings are by then.
    """

    model_hash: bool = True
    model_name: bool = True
    vae_hash: bool = True
    vae_name: bool = True
    version: bool = True
