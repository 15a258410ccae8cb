"""Stable Diffusion 1.x: sizes, prediction types, precision and what the VAE gives.

Networks are the built-in checkpoint's, or doubles where a number must be known beforehand.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.upsampling import Upsample2D
from PIL import Image as Pillow
from PIL.Image import Image
from torch import Tensor, nn
from torch.nn import functional

from jobs.options import request_defaults
from models.load import LoadedCheckpoint
from pipelines.computing import Computing
from pipelines.events import PreviewKind
from pipelines.families.attention import OwnAttention
from pipelines.families.base import ModelOutputError
from pipelines.families.sd1 import SkipSizedUpsample, StableDiffusion1
from pipelines.samplers_timestep import predicted_x0
from tests.pipelines.conftest import BUILTIN
from tests.pipelines.pixels import array, noise


@pytest.fixture(scope="module")
def family(builtin_checkpoint: LoadedCheckpoint) -> StableDiffusion1:
    return StableDiffusion1(builtin_checkpoint)


@pytest.fixture(scope="module")
def plain_unet() -> UNet2DConditionModel:
    """The built-in U-Net as diffusers runs it."""
    return UNet2DConditionModel.from_pretrained(BUILTIN / "unet", local_files_only=True).eval()


def photograph(width: int, height: int) -> Image:
    return Pillow.fromarray(skimage.data.astronaut()).resize((width, height))


def latent(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize(
    ("size", "skip"), [((4, 6), None), ((4, 6), (8, 12))], ids=["no skip", "twice as large"]
)
def test_upsample_equals_diffusers_where_sizes_double(
    size: tuple[int, int], skip: tuple[int, int] | None
) -> None:
    theirs = Upsample2D(5, use_conv=True).eval()
    ours = SkipSizedUpsample(theirs.conv)
    x = latent(2, 5, *size)
    assert torch.equal(ours(x, skip), theirs(x, skip))


@pytest.mark.parametrize("skip", [(7, 11), (7, 12), (9, 13)], ids=str)
def test_upsample_resizes_after_the_convolution(skip: tuple[int, int]) -> None:
    """Behaviour 7.5 and trap 34."""
    theirs = Upsample2D(5, use_conv=True).eval()
    x = latent(2, 5, 4, 6)
    doubled = theirs.conv(functional.interpolate(x, scale_factor=2.0))
    rows = [row * 8 // skip[0] for row in range(skip[0])]
    columns = [column * 12 // skip[1] for column in range(skip[1])]
    result = SkipSizedUpsample(theirs.conv)(x, skip)
    assert torch.equal(result, doubled[:, :, rows][..., columns])
    assert not torch.allclose(result, theirs(x, skip))


@pytest.mark.parametrize("size", [(8, 8), (8, 16), (32, 24)], ids=str)
def test_the_network_is_diffusers_where_sizes_allow(
    family: StableDiffusion1, plain_unet: UNet2DConditionModel, size: tuple[int, int]
) -> None:
    x, context = latent(2, 4, *size), latent(2, 77, 96)
    t = torch.tensor([500.25, 10.0])
    with torch.inference_mode():
        theirs = plain_unet(x, t, encoder_hidden_states=context, return_dict=False)[0]
    assert torch.equal(family.epsilon(x, t, context), theirs)


@pytest.mark.parametrize("size", [(9, 13), (8, 9), (11, 8), (10, 14)], ids=str)
def test_sizes_between_keep_their_shape_and_differ_from_diffusers(
    family: StableDiffusion1, plain_unet: UNet2DConditionModel, size: tuple[int, int]
) -> None:
    x, context = latent(1, 4, *size), latent(1, 77, 96)
    t = torch.tensor([500.0])
    ours = family.epsilon(x, t, context)
    with torch.inference_mode():
        theirs = plain_unet(x, t, encoder_hidden_states=context, return_dict=False)[0]
    assert ours.shape == x.shape
    assert ours.isfinite().all()
    assert not torch.allclose(ours, theirs, atol=1e-4)


def test_wrapping_twice_changes_nothing(builtin_checkpoint: LoadedCheckpoint) -> None:
    first, second = (StableDiffusion1(builtin_checkpoint) for _ in range(2))
    x, context, t = latent(1, 4, 9, 9), latent(1, 77, 96), torch.tensor([99.0])
    assert torch.equal(first.epsilon(x, t, context), second.epsilon(x, t, context))


# ---------------------------------------------------------------- prediction types


class FixedUnet(nn.Module):
    """Gives `value` everywhere and remembers what it was asked."""

    def __init__(self, value: float = 0.5, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.value, self.dtype = value, dtype
        self.up_blocks: tuple[()] = ()
        self.config = SimpleNamespace(in_channels=4)
        self.asked: list[tuple[Tensor, Tensor, Tensor]] = []

    def forward(
        self, x: Tensor, t: Tensor, encoder_hidden_states: Tensor, return_dict: bool
    ) -> tuple[Tensor]:
        assert not return_dict
        self.asked.append((x, t, encoder_hidden_states))
        return (torch.full_like(x, self.value),)


def with_unet(
    checkpoint: LoadedCheckpoint, unet: Any, prediction: Any = "epsilon"
) -> StableDiffusion1:
    return StableDiffusion1(replace(checkpoint, unet=unet, prediction_type=prediction))


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [("epsilon", 2.0 - 3.0 * 0.5), ("v_prediction", 2.0 / 10 - 3.0 / 10**0.5 * 0.5)],
)
def test_denoised_in_numbers(
    builtin_checkpoint: LoadedCheckpoint, prediction: str, expected: float
) -> None:
    """Behaviour 7.5, at sigma 3 and x = 2 where the network says 0.5."""
    unet = FixedUnet()
    family = with_unet(builtin_checkpoint, unet, prediction)
    context = latent(1, 77, 96)
    x = torch.full((1, 4, 2, 2), 2.0)
    result = family.denoised(x, torch.tensor([3.0]), torch.tensor([777.7]), context)
    assert result.flatten().tolist() == pytest.approx([expected] * 16, abs=1e-6)
    seen, t, text = unet.asked[0]
    assert seen.flatten().tolist() == pytest.approx([2.0 / 10**0.5] * 16)
    assert t.tolist() == pytest.approx([777.7])
    assert torch.equal(text, context)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("t", [1, 51, 500, 951, 999])
def test_epsilon_and_denoised_agree(
    builtin_checkpoint: LoadedCheckpoint, prediction: str, t: int
) -> None:
    """Both worlds see the same network: x0 from epsilon is D."""
    family = with_unet(builtin_checkpoint, builtin_checkpoint.unet, prediction)
    sigma, alpha = family.schedule.sigmas[t], float(family.schedule.alphas[t])
    step, context = torch.tensor([float(t)]), latent(1, 77, 96)
    x = latent(1, 4, 8, 8) * (1 + sigma)
    vp = x * alpha**0.5
    x0 = predicted_x0(vp, family.epsilon(vp, step, context), alpha)
    assert torch.allclose(
        family.denoised(x, sigma.view(1), step, context), x0, atol=1e-4 * (1 + float(sigma))
    )


# ---------------------------------------------------------------- precision


@pytest.mark.parametrize(
    ("dtype", "t", "seen"),
    [
        (torch.float16, 961.733, 961.5),
        (torch.float16, 946.421, 946.5),
        (torch.float16, 876.31, 876.5),
        (torch.float16, 473.749, 473.75),
        (torch.float32, 961.733, 961.733),
        (torch.bfloat16, 961.733, 961.733),
    ],
    ids=str,
)
def test_half_precision_rounds_the_timestep(
    builtin_checkpoint: LoadedCheckpoint, dtype: torch.dtype, t: float, seen: float
) -> None:
    """Behaviour 7.5 [T] and trap 14. In bfloat16 t would become 960."""
    unet = FixedUnet(dtype=dtype)
    family = with_unet(builtin_checkpoint, unet)
    x = torch.ones(1, 4, 2, 2)
    result = family.denoised(x, torch.tensor([1.0]), torch.tensor([t]), latent(1, 77, 96))
    network_x, network_t, context = unet.asked[0]
    assert (network_x.dtype, context.dtype, result.dtype) == (dtype, dtype, torch.float32)
    assert network_t.tolist() == pytest.approx([seen], rel=1e-7)


class FragileVae(nn.Module):
    """Gives NaN in half precision, and in float32 too when it is `hopeless`."""

    def __init__(self, hopeless: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, dtype=torch.float16), requires_grad=False)
        self.config = SimpleNamespace(latent_channels=4)
        self.hopeless = hopeless
        self.asked: list[tuple[torch.dtype, tuple[int, ...]]] = []

    @property
    def dtype(self) -> torch.dtype:
        return self.weight.dtype

    def _value(self, like: Tensor) -> float:
        assert like.dtype == self.dtype
        self.asked.append((self.dtype, tuple(like.shape)))
        return torch.nan if self.hopeless or self.dtype == torch.float16 else 0.25

    def encode(self, pixels: Tensor) -> Any:
        cells = (1, 4, pixels.shape[2] // 8, pixels.shape[3] // 8)
        mode = torch.full(cells, self._value(pixels), dtype=self.dtype)
        return SimpleNamespace(latent_dist=SimpleNamespace(mode=lambda: mode))

    def decode(self, latents: Tensor, return_dict: bool = True) -> Any:
        size = (1, 3, latents.shape[2] * 8, latents.shape[3] * 8)
        pixels = torch.full(size, self._value(latents), dtype=self.dtype)
        return SimpleNamespace(sample=pixels) if return_dict else (pixels,)


def with_vae(checkpoint: LoadedCheckpoint, vae: Any) -> StableDiffusion1:
    return StableDiffusion1(replace(checkpoint, vae=vae))


def test_decoding_falls_back_to_float32_for_good(builtin_checkpoint: LoadedCheckpoint) -> None:
    """Behaviour 14.1."""
    vae = FragileVae()
    family = with_vae(builtin_checkpoint, vae)
    pictures = family.decode(latent(2, 4, 8, 9))
    assert [dtype for dtype, _ in vae.asked] == [torch.float16, torch.float32, torch.float32]
    assert [picture.size for picture in pictures] == [(72, 64)] * 2
    assert pictures[0].getpixel((0, 0)) == (159, 159, 159)  # 0.625 * 255 = 159.4


def test_encoding_falls_back_to_float32_with_the_same_pixels(
    builtin_checkpoint: LoadedCheckpoint,
) -> None:
    vae = FragileVae()
    result = with_vae(builtin_checkpoint, vae).encode(noise(70, 65))
    assert vae.asked == [
        (torch.float16, (1, 3, 65, 70)),
        (torch.float32, (1, 3, 65, 70)),
    ]
    assert result.shape == (4, 8, 8)
    assert result[0, 0, 0].item() == pytest.approx(0.25 * builtin_checkpoint.vae_scale)


@pytest.mark.parametrize("work", ["encode", "decode"])
def test_a_vae_that_gives_nan_in_float32_is_an_error(
    builtin_checkpoint: LoadedCheckpoint, work: str
) -> None:
    family = with_vae(builtin_checkpoint, FragileVae(hopeless=True))
    given = noise(64, 64) if work == "encode" else latent(1, 4, 8, 8)
    with pytest.raises(ModelOutputError, match="the VAE gave NaN, so there is no picture"):
        getattr(family, work)(given)


FLOAT16, BFLOAT16, FLOAT32 = torch.float16, torch.bfloat16, torch.float32
RETRIES = {
    "auto_vae_precision": ({}, [FLOAT16, FLOAT32], True),
    "neither": ({"auto_vae_precision": False}, [FLOAT16], False),
    "bfloat16 goes first": (
        {"auto_vae_precision_bfloat16": True},
        [FLOAT16, BFLOAT16],
        True,
    ),
    "bfloat16 alone": (
        {"auto_vae_precision": False, "auto_vae_precision_bfloat16": True},
        [FLOAT16, BFLOAT16],
        True,
    ),
}


@pytest.mark.parametrize(("options", "formats", "works"), RETRIES.values(), ids=list(RETRIES))
@pytest.mark.parametrize("work", ["encode", "decode"])
def test_behaviour_14_1_the_settings_choose_the_second_try(
    builtin_checkpoint: LoadedCheckpoint,
    work: str,
    options: dict[str, Any],
    formats: list[torch.dtype],
    works: bool,
) -> None:
    vae = FragileVae()
    family = with_vae(builtin_checkpoint, vae)
    given = noise(64, 64) if work == "encode" else latent(1, 4, 8, 8)
    ways = Computing.model_validate(request_defaults(options)["computing"])
    with family.computing(ways), nullcontext() if works else pytest.raises(ModelOutputError):
        getattr(family, work)(given)
    assert [dtype for dtype, _ in vae.asked] == formats


def test_the_ways_of_a_job_end_with_it(builtin_checkpoint: LoadedCheckpoint) -> None:
    family = with_vae(builtin_checkpoint, FragileVae())
    with family.computing(Computing(vae_retry_float32=False, upcast_attention=True)):
        pass
    family.decode(latent(1, 4, 8, 8))
    kinds = {type(one).__name__ for one in builtin_checkpoint.unet.attn_processors.values()}
    assert kinds == {"AttnProcessor2_0"}


# ---------------------------------------------------------------- attention


def test_upcast_attention_is_the_same_in_float32(family: StableDiffusion1) -> None:
    sigma, t, text = torch.tensor([3.0]), torch.tensor([400.0]), latent(1, 77, 96)
    x = latent(1, 4, 8, 8)
    plain = family.denoised(x, sigma, t, text)
    with family.computing(Computing(upcast_attention=True)):
        wide = family.denoised(x, sigma, t, text)
    assert torch.allclose(plain, wide, atol=1e-5)


def test_upcast_attention_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores beyond half precision's range: 300 * 300 per element."""
    seen: list[torch.dtype] = []
    plain = functional.scaled_dot_product_attention

    def spy(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        seen.extend(one.dtype for one in (query, key, value))
        return plain(query, key, value)

    monkeypatch.setattr("pipelines.families.attention.functional.scaled_dot_product_attention", spy)
    same = nn.Identity()
    attn = SimpleNamespace(heads=2, to_q=same, to_k=same, to_v=same, to_out=[same])
    tokens = torch.tensor([[[300.0, 0, 1, 2], [0.0, 300, 3, 4]]], dtype=FLOAT16)
    result = OwnAttention(wide=True)(attn, tokens)
    assert seen == [FLOAT32] * 3
    assert result.dtype == FLOAT16
    # Head 1 (columns 0, 1) looks at its own token only; head 2 mixes by softmax(q k / sqrt(2)).
    assert result[0, :, :2].tolist() == [[300.0, 0.0], [0.0, 300.0]]
    scores = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    weights = (scores @ scores.T / 2**0.5).softmax(dim=-1)
    assert torch.allclose(result[0, :, 2:].float(), weights @ scores, atol=1e-3)


# ---------------------------------------------------------------- the VAE


@pytest.mark.parametrize("size", [(64, 64), (72, 64), (70, 65), (127, 71)], ids=str)
def test_encode_is_the_scaled_mode_of_the_whole_picture(
    family: StableDiffusion1, size: tuple[int, int]
) -> None:
    """Behaviour 14.1 and 8.7; what is over a multiple of 8 takes part, but gets no cell (1.4)."""
    picture = photograph(*size)
    pixels = torch.from_numpy(array(picture).astype(np.float32) / 255).permute(2, 0, 1)[None]
    with torch.inference_mode():
        mode = family.loaded.vae.encode(pixels * 2 - 1).latent_dist.mode()
    result = family.encode(picture)
    assert result.shape == (4, size[1] // 8, size[0] // 8)
    assert result.dtype == torch.float32
    assert torch.equal(result, mode[0] * family.loaded.vae_scale)


def test_decode_truncates(family: StableDiffusion1) -> None:
    """Behaviour 14.1 and trap 13."""
    latents = family.encode(photograph(64, 72))[None]
    with torch.inference_mode():
        decoded = family.loaded.vae.decode(latents / family.loaded.vae_scale).sample[0]
    expected = np.floor(((decoded.double() + 1) / 2).clamp(0, 1).numpy() * 255 + 1e-5)
    picture = family.decode(latents)[0]
    assert (picture.size, picture.mode) == ((64, 72), "RGB")
    assert (array(picture) == expected.transpose(1, 2, 0)).mean() > 0.999


def test_a_batch_is_decoded_picture_by_picture(family: StableDiffusion1) -> None:
    latents = torch.stack([family.encode(photograph(64, 64)), family.encode(noise(64, 64))])
    batch = family.decode(latents)
    for one, alone in zip(batch, latents, strict=True):
        assert (array(one) == array(family.decode(alone[None])[0])).all()


def test_a_photograph_survives_the_vae(family: StableDiffusion1) -> None:
    picture = photograph(128, 128)
    again = family.decode(family.encode(picture)[None])[0]
    off = np.abs(array(again).astype(int) - array(picture)).mean()
    unlike = np.abs(array(again).astype(int) - array(picture.rotate(180))).mean()
    assert off < 25 < unlike


@pytest.mark.parametrize(("decoder", "size"), [(True, (128, 96)), (False, (16, 12))])
def test_the_preview_shows_the_picture(
    family: StableDiffusion1, decoder: bool, size: tuple[int, int]
) -> None:
    """Behaviour 14.2: the checkpoint's tiny decoder, or the linear map from latents to colours."""
    assert family.loaded.preview is not None
    if not decoder:
        family = StableDiffusion1(replace(family.loaded, preview=None))
    picture = photograph(128, 96)
    preview = family.preview(family.encode(picture), PreviewKind.APPROX_NN)
    assert (preview.size, preview.mode) == (size, "RGB")
    wanted = array(picture.resize(size, Pillow.Resampling.BOX)).astype(int)
    assert np.abs(array(preview) - wanted).mean() < 25


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        (PreviewKind.FULL, (128, 96)),
        (PreviewKind.APPROX_NN, (128, 96)),
        (PreviewKind.TAESD, (128, 96)),
        (PreviewKind.APPROX_CHEAP, (16, 12)),
    ],
)
def test_previews_are_made_as_the_setting_says_behaviour_14_2(
    family: StableDiffusion1, kind: PreviewKind, size: tuple[int, int]
) -> None:
    latent = family.encode(photograph(128, 96))
    preview = family.preview(latent, kind)
    assert preview.size == size
    is_exact = array(preview).tolist() == array(family.decode(latent[None])[0]).tolist()
    assert is_exact == (kind is PreviewKind.FULL)


def test_a_full_preview_of_nan_is_the_linear_one_and_leaves_the_vae(
    family: StableDiffusion1, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A1111 moves the VAE to float32 for good after NaN; a preview must not change pictures."""
    vae, latent = family.loaded.vae, family.encode(photograph(128, 96))
    before = vae.dtype
    monkeypatch.setattr(
        vae, "decode", lambda z, **_: (torch.full((1, 3, 96, 128), torch.nan, dtype=z.dtype),)
    )
    assert family.preview(latent, PreviewKind.FULL).size == (16, 12)
    assert vae.dtype == before
