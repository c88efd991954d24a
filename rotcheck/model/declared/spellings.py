"""How the keys of a rotation are spelled, in the configurations of the stacks that are in use."""

from collections.abc import Iterator, Mapping
from typing import Any

from rotcheck.model.declared.rotation_settings import Setting

MAPPINGS = ("rope_parameters", "rope_scaling", "rope_adjustments", "yarn", "rotary")
"""Keys that hold the parameters of a rotation: transformers 5 and 4, litgpt, Mistral, InternLM."""

KEYS = {
    "theta": (
        "rope_theta",
        "rotary_emb_base",  # GPT-NeoX, Qwen, nomic-bert
        "rotary_embedding_base",  # wav2vec2-conformer
        "rotary_base",  # Megatron, NeMo
        "rope_base",  # litgpt
        "rope_freq_constant",  # OpenELM
        "global_rope_theta",  # ModernBERT
    ),
    "partial": (
        "partial_rotary_factor",
        "rotary_pct",  # GPT-NeoX
        "rope_pct",  # StableLM
        "rotary_percentage",  # litgpt, NeMo
        "rotary_emb_fraction",  # nomic-bert
        "rotary_percent",  # Megatron
    ),
    "rotary_dim": ("rotary_dim",),  # GPT-J, CodeGen, MiniMax
    "rope_lanes": ("qk_rope_head_dim", "qk_pos_emb_head_dim"),  # DeepSeek, Megatron
    "nope_lanes": ("qk_nope_head_dim",),
    "head_dim": (
        "head_dim",
        "head_size",  # litgpt
        "attention_head_dim",  # Zamba2, whose kv_channels is another number
        "kv_channels",  # Megatron, ChatGLM
    ),
    "width": ("hidden_size", "n_embd", "d_model", "dim", "model_dim"),
    "heads": (
        "num_attention_heads",
        "n_head",
        "n_heads",
        "num_heads",
        "encoder_num_attention_heads",
    ),
    "longest": (
        "max_position_embeddings",
        "max_sequence_length",
        "n_positions",
        "block_size",
        "seq_length",
        "max_seq_len",
        "sequence_len",
    ),
    "original_length": ("original_max_position_embeddings",),
    "sections": ("mrope_section",),
    "ratio": ("rope_ratio",),  # ChatGLM: of theta to 10,000
    "condense": ("rope_condense_ratio",),  # litgpt: a linear factor
}
"""The names of a setting, and its keys beside those of the model's sizes."""

LOCAL_THETAS = ("rope_local_base_freq", "local_rope_theta", "swa_rope_theta")
"""Keys of theta in layers of sliding attention: Gemma 3 and litgpt; ModernBERT; MiMo."""

INNER_KEYS = {
    "kind": ("rope_type", "type"),
    "theta": ("rope_theta", "base", "freq_base"),
    "factor": ("factor", "scaling_factor"),
    "original_length": ("original_max_position_embeddings", "original_max_seq_len"),
    "low": ("low_freq_factor",),
    "high": ("high_freq_factor",),
    "beta_fast": ("beta_fast", "beta"),
    "beta_slow": ("beta_slow",),
    "attention": ("attention_factor",),
    "mscale": ("mscale",),
    "mscale_all_dim": ("mscale_all_dim",),
    "truncate": ("truncate",),
    "short": ("short_factor",),
    "long": ("long_factor",),
    "short_mscale": ("short_mscale",),
    "long_mscale": ("long_mscale",),
    "partial": ("partial_rotary_factor",),
    "sections": ("mrope_section", "xdrope_section"),
    "interleaved_sections": ("mrope_interleaved", "interleaved"),
    "alpha": ("alpha",),
    "apply_scale": ("apply_scale", "apply_yarn_scaling"),
}
"""The keys within one of `MAPPINGS`."""


USUAL_KEYS = {
    "kind": "rope_type",
    "low": "low_freq_factor",
    "high": "high_freq_factor",
    "width": "hidden_size",
    **{
        name: (KEYS | INNER_KEYS)[name][0]
        for name in (
            "theta",
            "partial",
            "heads",
            "longest",
            "original_length",
            "sections",
            "attention",
        )
    },
}
"""What the key of a setting is called in most configurations."""


def settings_in(
    values: Mapping[str, Any], keys: Mapping[str, tuple[str, ...]], prefix: str = ""
) -> Iterator[tuple[str, Setting]]:
    """Yield each setting that these values give, by its first key that is there."""
    for name, spellings in keys.items():
        key = next((key for key in spellings if values.get(key) is not None), None)
        if key is not None:
            yield name, Setting(values[key], f"{prefix}{key}")
