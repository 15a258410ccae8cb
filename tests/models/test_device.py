"""Where models run and in which formats: every machine and flag (behaviour 15.7)."""

import pytest
import torch

from models.device import BIG_MODEL_BYTES, DeviceFlags, DevicePolicy, Hardware

F32, F16, BF16 = torch.float32, torch.float16, torch.bfloat16
CUDA, MPS, CPU = Hardware("cuda", 2), Hardware("mps"), Hardware("cpu")
FAST_CPU = Hardware("cpu", cpu_bf16=True)
BIG = 2 * BIG_MODEL_BYTES


@pytest.mark.parametrize(
    ("hardware", "flags", "size", "device", "dtypes"),
    [
        pytest.param(CUDA, DeviceFlags(), BIG, "cuda:0", (F16, F16, F16), id="cuda"),
        pytest.param(CUDA, DeviceFlags(), 1, "cuda:0", (F16, F16, F16), id="cuda, small model"),
        pytest.param(CUDA, DeviceFlags(bf16=True), BIG, "cuda:0", (BF16,) * 3, id="cuda bf16"),
        pytest.param(CUDA, DeviceFlags(no_half=True), BIG, "cuda:0", (F32,) * 3, id="no half"),
        pytest.param(CUDA, DeviceFlags(precision="full"), BIG, "cuda:0", (F32,) * 3, id="full"),
        pytest.param(
            CUDA, DeviceFlags(no_half_vae=True), BIG, "cuda:0", (F16, F16, F32), id="no half vae"
        ),
        pytest.param(CUDA, DeviceFlags(device_id=1), BIG, "cuda:1", (F16,) * 3, id="second GPU"),
        pytest.param(CUDA, DeviceFlags(use_cpu=True), BIG, "cpu", (F32,) * 3, id="cpu asked for"),
        pytest.param(MPS, DeviceFlags(), BIG, "mps", (F16, F16, F32), id="mps"),
        pytest.param(CPU, DeviceFlags(), BIG, "cpu", (F32, F32, F32), id="plain cpu"),
        pytest.param(FAST_CPU, DeviceFlags(), BIG, "cpu", (BF16, F32, F32), id="bf16 cpu, big"),
        pytest.param(FAST_CPU, DeviceFlags(), 31_000_000, "cpu", (F32,) * 3, id="bf16 cpu, tiny"),
        pytest.param(
            FAST_CPU, DeviceFlags(no_half=True), BIG, "cpu", (F32,) * 3, id="bf16 cpu, no half"
        ),
    ],
)
def test_placements(
    hardware: Hardware,
    flags: DeviceFlags,
    size: int,
    device: str,
    dtypes: tuple[torch.dtype, torch.dtype, torch.dtype],
) -> None:
    placement = DevicePolicy(hardware).choose(flags, size)
    assert placement.device == torch.device(device)
    assert (placement.unet_dtype, placement.text_dtype, placement.vae_dtype) == dtypes


@pytest.mark.parametrize("index", [2, -1])
def test_a_device_that_is_not_there(index: int) -> None:
    with pytest.raises(ValueError, match=rf"--device-id {index}: this machine has 2 GPU"):
        DevicePolicy(CUDA).choose(DeviceFlags(device_id=index))


def test_this_machine_has_a_policy() -> None:
    placement = DevicePolicy.detect(use_cpu=True).choose(DeviceFlags(), 1)
    assert placement.device.type == "cpu"
    assert placement.unet_dtype == F32
