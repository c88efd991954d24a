"""LitGPT's models with their own configurations, made small around the rotary part."""

from typing import Any

import torch
from litgpt import GPT, Config
from torch import Tensor, nn


def _small(name: str, **sizes: Any) -> tuple[nn.Module, dict[str, Tensor]]:
    config = Config.from_name(name)
    head = sizes.pop("n_embd", 4 * config.head_size)
    usual = {"n_layer": 2, "n_head": 4, "n_embd": head, "padded_vocab_size": 97, "block_size": 64}
    groups = {"n_query_groups": 4 if config.n_query_groups == config.n_head else 2}
    model = GPT(
        Config.from_name(
            name,
            **usual | groups | {"intermediate_size": 64, "head_size": config.head_size} | sizes,
        )
    )
    return model, {"idx": torch.arange(2 * 19).view(2, 19) % 97}


def pythia() -> tuple[nn.Module, dict[str, Tensor]]:
    """A quarter of each head turns."""
    return _small("pythia-1b")


def llama_3_1() -> tuple[nn.Module, dict[str, Tensor]]:
    """Llama 3's scaling by 8."""
    return _small("Llama-3.1-8B")


def llama_3_2() -> tuple[nn.Module, dict[str, Tensor]]:
    """Llama 3's scaling by 32."""
    return _small("Llama-3.2-1B")


def gemma_3() -> tuple[nn.Module, dict[str, Tensor]]:
    """Local layers of theta 10,000, and global ones of 1,000,000, scaled by 8."""
    return _small("Gemma-3-4b-it", n_layer=6)


def phi_2() -> tuple[nn.Module, dict[str, Tensor]]:
    """32 of 80 lanes."""
    return _small("phi-2")


def qwen_3() -> tuple[nn.Module, dict[str, Tensor]]:
    """Theta 1,000,000, q and k normalised before they turn."""
    return _small("Qwen3-0.6B")
