"""Models of transformers whose default configuration has no rotary code, or cannot be built."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    EsmConfig,
    EsmForMaskedLM,
    NemotronConfig,
    NemotronForCausalLM,
    Wav2Vec2ConformerConfig,
    Wav2Vec2ConformerModel,
    Zamba2Config,
    Zamba2ForCausalLM,
)

SMALL: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
TOKENS = {"input_ids": torch.arange(2 * 19).view(2, 19)}


def esm() -> tuple[nn.Module, dict[str, Tensor]]:
    """ESM-2."""
    config = EsmConfig(
        vocab_size=40,
        hidden_size=64,
        position_embedding_type="rotary",
        pad_token_id=39,
        mask_token_id=38,
        **SMALL,
    )
    return EsmForMaskedLM(config), TOKENS


def nemotron() -> tuple[nn.Module, dict[str, Tensor]]:
    """Half of each head."""
    config = NemotronConfig(vocab_size=40, hidden_size=256, num_key_value_heads=2, **SMALL)
    return NemotronForCausalLM(config), TOKENS


def zamba2() -> tuple[nn.Module, dict[str, Tensor]]:
    """Rotary code in the shared attention."""
    config = Zamba2Config(
        vocab_size=40,
        hidden_size=256,
        use_mem_rope=True,
        layers_block_type=["mamba", "hybrid"],
        num_mem_blocks=1,
        n_mamba_heads=8,
        mamba_headdim=64,
        **SMALL,
    )
    return Zamba2ForCausalLM(config), TOKENS


def wav2vec2_conformer() -> tuple[nn.Module, dict[str, Tensor]]:
    """Rotary positions instead of relative ones."""
    config = Wav2Vec2ConformerConfig(hidden_size=256, position_embeddings_type="rotary", **SMALL)
    return Wav2Vec2ConformerModel(config), {"input_values": torch.randn(1, 8000)}
