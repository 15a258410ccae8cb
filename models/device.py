"""Where a model runs and in which number formats (behaviour 15.7, performance 6).

torch is imported only when a placement is chosen. On Apple's MPS some operations exist only on the
CPU: set PYTORCH_ENABLE_MPS_FALLBACK=1 in the environment before the program starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

BIG_MODEL_BYTES = 512 * 1024 * 1024
"""From this size on disk bf16 pays off on a CPU; the built-in model stays far below it."""

Backend = Literal["cuda", "mps", "cpu"]


@dataclass(frozen=True, slots=True)
class DeviceFlags:
    """The command line's say: A1111's flags, and `bf16` for bfloat16 instead of float16."""

    no_half: bool = False
    precision: Literal["autocast", "half", "full"] = "autocast"
    no_half_vae: bool = False
    device_id: int | None = None
    use_cpu: bool = False
    bf16: bool = False


@dataclass(frozen=True, slots=True)
class Hardware:
    """What this machine has, as far as the choice depends on it."""

    backend: Backend
    devices: int = 1
    cpu_bf16: bool = False
    """The CPU multiplies bfloat16 natively (AMX or AVX-512 BF16)."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Device and number formats of one loaded checkpoint."""

    device: torch.device
    unet_dtype: torch.dtype
    text_dtype: torch.dtype
    vae_dtype: torch.dtype


class DevicePolicy:
    """Chooses a placement from the machine and the flags."""

    def __init__(self, hardware: Hardware) -> None:
        self.hardware = hardware

    @classmethod
    def detect(cls, *, use_cpu: bool = False) -> DevicePolicy:
        """The policy of this machine: CUDA (also ROCm) before MPS before CPU."""
        import torch  # noqa: PLC0415 - the web process imports this module without torch

        features = torch.cpu.get_capabilities()
        bf16 = bool(features.get("avx512_bf16") or features.get("amx_bf16"))
        if not use_cpu and torch.cuda.is_available():
            return cls(Hardware("cuda", torch.cuda.device_count(), bf16))
        if not use_cpu and torch.backends.mps.is_available():
            return cls(Hardware("mps", 1, bf16))
        return cls(Hardware("cpu", 1, bf16))

    def choose(self, flags: DeviceFlags, model_bytes: int = 0) -> Placement:
        """Placement for a model of `model_bytes` on disk.

        CUDA: float16, or bfloat16 with `bf16`. MPS: float16 with a float32 VAE, because its float16
        decoder overflows. CPU: float32; bfloat16 for the U-Net of a big model where the CPU
        multiplies it natively (3.4 times faster), text encoder and VAE stay float32 for the
        picture's sake. `no_half` and precision "full" mean float32 throughout, `no_half_vae` a
        float32 VAE. Raises ValueError if `device_id` names a device that is not there.
        """
        import torch  # noqa: PLC0415 - the web process imports this module without torch

        half, single = (torch.bfloat16 if flags.bf16 else torch.float16), torch.float32
        full = flags.no_half or flags.precision == "full"
        device = self._device(flags)
        if full:
            return Placement(device, single, single, single)
        if device.type == "cpu":
            fast = self.hardware.cpu_bf16 and model_bytes >= BIG_MODEL_BYTES
            return Placement(device, torch.bfloat16 if fast else single, single, single)
        vae = single if flags.no_half_vae or device.type == "mps" else half
        return Placement(device, half, half, vae)

    def _device(self, flags: DeviceFlags) -> torch.device:
        import torch  # noqa: PLC0415 - the web process imports this module without torch

        backend = "cpu" if flags.use_cpu else self.hardware.backend
        if backend != "cuda":
            return torch.device(backend)
        index = flags.device_id or 0
        if not 0 <= index < self.hardware.devices:
            raise ValueError(
                f"--device-id {index}: this machine has {self.hardware.devices} GPU(s); "
                f"choose 0 to {self.hardware.devices - 1}."
            )
        return torch.device("cuda", index)
