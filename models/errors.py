"""What can go wrong between a model's name and its weights, as sentences for the user."""

from __future__ import annotations


class ModelError(ValueError):
    """Base of all model errors; the message is a full sentence and names the way out."""


class BadModelFile(ModelError):
    """The file or folder is damaged, incomplete, or not what its name says."""


class UnsupportedModel(ModelError):
    """The file is sound, but it is a kind of model that cannot be painted with here."""


class MissingModel(ModelError):
    """Nothing goes by this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"model '{name}' not found: put it into the Stable-diffusion folder and refresh the "
            "list, or choose another one"
        )


class MissingVae(MissingModel):
    """No VAE file goes by this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        ValueError.__init__(
            self,
            f"VAE '{name}' not found: put it into the VAE folder of the models, or set SD VAE to "
            "Automatic or None",
        )
