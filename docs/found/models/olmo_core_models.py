"""OLMo-core's rotary modules in one layer of attention, as `RoPEConfig` makes them."""

from typing import Any

from olmo_core.nn.rope import (
    PIRoPEScalingConfig,
    RoPEConfig,
    RoPEType,
    StepwiseRoPEScalingConfig,
    YaRNRoPEScalingConfig,
)
from one_layer import LLAMA3, llama_config, one_layer
from torch import Tensor, nn


def _layer(
    rope: RoPEConfig, declared: dict[str, Any] | None = None
) -> tuple[nn.Module, dict[str, Tensor]]:
    declared = {"rope_type": "default", "rope_theta": float(rope.theta)} | (declared or {})
    rotary = rope.build(128)

    def turn(positions: Tensor, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Turn q and k (B, S, H, D), which stand at 0, 1, 2, ..."""
        return rotary(q, k, head_first=False)

    return one_layer(turn, llama_config(declared, 131072))


def default() -> tuple[nn.Module, dict[str, Tensor]]:
    """Half pairing, theta 500,000."""
    return _layer(RoPEConfig())


def complex_numbers() -> tuple[nn.Module, dict[str, Tensor]]:
    """Interleaved pairs."""
    return _layer(RoPEConfig(name=RoPEType.complex))


def partial() -> tuple[nn.Module, dict[str, Tensor]]:
    """A quarter of each head."""
    return _layer(RoPEConfig(partial_rotary_factor=0.25), {"partial_rotary_factor": 0.25})


def interpolated() -> tuple[nn.Module, dict[str, Tensor]]:
    """Positions over 4."""
    scaling = PIRoPEScalingConfig(factor=4.0)
    return _layer(RoPEConfig(scaling=scaling), scaling.to_hf_config())


def stepwise() -> tuple[nn.Module, dict[str, Tensor]]:
    """Llama 3's scaling by 8."""
    return _layer(RoPEConfig(scaling=StepwiseRoPEScalingConfig(factor=8.0)), LLAMA3)


def yarn() -> tuple[nn.Module, dict[str, Tensor]]:
    """YaRN by 8."""
    scaling = YaRNRoPEScalingConfig()
    return _layer(RoPEConfig(scaling=scaling), scaling.to_hf_config())
