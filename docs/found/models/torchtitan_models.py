"""torchtitan's rotary modules in one layer of attention; its own asks for flex attention."""

from typing import Any

from one_layer import LLAMA3, llama_config, one_layer
from torch import Tensor, nn
from torchtitan.models.common.rope import ComplexRoPE, CosSinRoPE, RoPE

# the amplitude is folded into the scale of the softmax
YARN = {
    "rope_type": "yarn",
    "factor": 32.0,
    "original_max_position_embeddings": 4096,
    "truncate": False,
    "attention_factor": 1.0,
}


def _layer(
    kind: type[RoPE], declared: dict[str, Any], **options: Any
) -> tuple[nn.Module, dict[str, Tensor]]:
    config = llama_config(declared, 131072)
    sizes = {"dim": 128, "max_seq_len": 131072, "theta": declared["rope_theta"]}
    rope = kind(kind.Config(**sizes | options))

    def turn(positions: Tensor, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Turn q and k (B, S, H, D)."""
        return rope(q, k, positions)

    return one_layer(turn, config)


def llama3() -> tuple[nn.Module, dict[str, Tensor]]:
    """Complex numbers, and Llama 3's scaling by 8."""
    return _layer(ComplexRoPE, LLAMA3, scaling="llama")


def qwen3() -> tuple[nn.Module, dict[str, Tensor]]:
    """Half pairing."""
    return _layer(CosSinRoPE, {"rope_type": "default", "rope_theta": 1e6})


def gpt_oss() -> tuple[nn.Module, dict[str, Tensor]]:
    """YaRN by 32, whose ramp is not rounded."""
    options = {"scaling": "yarn", "rope_factor": 32.0, "truncate": False}
    return _layer(CosSinRoPE, YARN | {"rope_theta": 150000.0}, **options)
