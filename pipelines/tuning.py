"""Sampler parameters that A1111 keeps among its settings; they are a part of every request."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pipelines.frozen import Frozen


class UniPcVariant(StrEnum):
    """B(h) of UniPC (Zhao et al. 2023): h, e^h - 1, or coefficients that vary with the steps."""

    BH1 = "bh1"
    BH2 = "bh2"
    VARY_COEFF = "vary_coeff"


class UniPcSkip(StrEnum):
    """Over what UniPC's timesteps are even: time, its square root, or log SNR."""

    TIME_UNIFORM = "time_uniform"
    TIME_QUADRATIC = "time_quadratic"
    LOG_SNR = "logSNR"


class TrainedNoise(StrEnum):
    """The noise levels that the network is taken to know (A1111's `sd_noise_schedule`)."""

    DEFAULT = "Default"
    ZERO_TERMINAL_SNR = "Zero Terminal SNR"


class SamplerTuning(Frozen):
    """Sampler parameters that A1111 keeps in its settings (behaviour 7.3, 7.4, 17)."""

    eta_ancestral: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    eta_ddim: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    s_churn: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0
    s_tmin: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0
    s_tmax: Annotated[float, Field(ge=0.0, le=999.0, description="0 = no upper limit")] = 0.0
    s_noise: Annotated[float, Field(ge=0.0, le=2.0)] = 1.0
    sigma_min: Annotated[float, Field(ge=0.0, le=100.0, description="0 = the model's")] = 0.0
    sigma_max: Annotated[float, Field(ge=0.0, le=10000.0, description="0 = the model's")] = 0.0
    rho: Annotated[float, Field(ge=0.0, le=100.0, description="0 = the schedule's")] = 0.0
    beta_alpha: Annotated[float, Field(gt=0.0, le=5.0)] = 0.6
    beta_beta: Annotated[float, Field(gt=0.0, le=5.0)] = 0.6
    discard_penultimate_sigma: bool = False
    sgm_noise_multiplier: bool = False
    initial_noise_multiplier: Annotated[float, Field(ge=0.0, le=1.5)] = 1.0
    extra_noise: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    skip_early_cfg: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    ngms: Annotated[float, Field(ge=0.0, le=15.0, description="s_min_uncond")] = 0.0
    ngms_all_steps: bool = False
    quantize_timesteps: bool = False
    unipc_variant: UniPcVariant = UniPcVariant.BH1
    unipc_skip: UniPcSkip = UniPcSkip.TIME_UNIFORM
    unipc_order: Annotated[int, Field(ge=1, le=50)] = 3
    unipc_lower_order_final: bool = True
    trained_noise: TrainedNoise = TrainedNoise.DEFAULT
    downcast_alphas: Annotated[
        bool, Field(description="half-precision noise levels, as A1111 before 1.7")
    ] = False
    old_sigma_range: Annotated[
        bool, Field(description="sigmas from 0.1 to 10, as A1111 in 2022")
    ] = False
