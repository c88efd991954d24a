"""Writes what transformers' configuration classes mean where a config.json says nothing.

Run by hand when transformers is pinned anew: `python tests/model/write_architectures.py`.
"""

from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

FILE = Path(__file__).parents[2] / "rotcheck" / "model" / "declared" / "architectures.toml"
SIZES = (
    "head_dim",
    "hidden_size",
    "num_attention_heads",
    "max_position_embeddings",
    "rotary_dim",
    "qk_rope_head_dim",
    "qk_nope_head_dim",
)
SECTIONS = {  # where rope_parameters has no mrope_section, and the code of the model has
    "glm4v": (8, 12, 12),
    "glm4v_moe": (8, 12, 12),
    "glm_image": (8, 12, 12),
    "glm_ocr": (8, 12, 12),
    "paddleocr_vl": (16, 24, 24),
    "qwen2_5_omni": (16, 24, 24),
    "qwen2_5_vl": (16, 24, 24),
    "qwen2_vl": (16, 24, 24),
}
INTERLEAVED = {
    "cohere_compass": (24, 20, 20),
    "cosmos3_edge": (24, 20, 20),
    "qwen3_5": (11, 11, 10),
    "qwen3_5_moe": (11, 11, 10),
    "qwen3_omni_moe": (24, 20, 20),
    "qwen3_vl": (24, 20, 20),
    "qwen3_vl_moe": (24, 20, 20),
    "qwen4_exp": (11, 11, 10),
}
BY_HAND: dict[str, dict[str, Any]] = {  # what a configuration class does not tell
    **{
        name: {"turning": "sliding_attention"}
        for name in ("cohere2", "cohere2_moe", "exaone4", "exaone_moe", "afmoe")
    },
    **{
        name: {"global_head_dim": 512}
        for name in (
            "gemma4_text",
            "gemma4_unified_text",
            "diffusion_gemma_text",
            "embedding_gemma2_text",
        )
    },
    **{
        f"{name}_text": {"sections": list(sections), "interleaved_sections": True}
        for name, sections in INTERLEAVED.items()
    },
    **{f"{name}_text": {"sections": list(sections)} for name, sections in SECTIONS.items()},
    "ernie4_5_vl_moe_text": {"sections": [22, 22, 20], "order": "hwt"},
    "gemma4_vision": {"order": "wh"},
    "inkling2_vision": {"order": "wh"},
    "step3p5_vision": {"order": "wh"},
    "kimi_k25_vision": {"order": "wh", "dealt": True},
    "minimax_m3_vl_vision": {"order": "thw"},
    "llama4_vision_model": {"rope": {"rope_type": "axial"}, "order": "wh"},
    "pixtral": {"shared": True},
    **{
        name: {"unknown": "in which order its axes stand is not known"}
        for name in ("gemma4_vision", "muse_glimmer_vision", "muse_spark_vision", "sam3_vit_model")
    },
    **{
        name: {"rope": {"rope_type": "axial"}, "fractions": True}
        for name in ("dinov3_vit", "eomt_dinov3", "sapiens2")
    },
    "olmo3": {"unscaled": "sliding_attention"},
    "esm": {"only_if": "rotary"},
    "granitemoehybrid": {"only_if": "rope"},
    "gptj": {"theta": 10000.0, "rotary_dim": 64},
    "codegen": {"theta": 10000.0, "rotary_dim": 64},
    "roformer": {"theta": 10000.0},
    "zamba2": {"only_with": "use_mem_rope"},
    "phi-msft": {"theta": 10000.0},
    "minicpm": {"theta": 10000.0},
    "qwen": {"theta": 10000.0},
    "chatglm": {"theta": 10000.0, "partial": 0.5},
    "efficientloftr": {"unknown": "its two axes share a head in a way of its own"},
    "sam2_video": {"unknown": "its head is that of the memory attention"},
    "edgetam_video": {"unknown": "its head is that of the memory attention"},
    "sam3_tracker_video": {"unknown": "its head is that of the memory attention"},
}


def _rope(rope: Any, theta: Any) -> dict[str, Any]:
    """What the class turns by where nothing is said, if it is more than a theta."""
    if not isinstance(rope, dict):
        return {}
    if any(isinstance(value, dict) or value is None for value in rope.values()):
        thetas = {kind: value and value.get("rope_theta") for kind, value in rope.items()}
        plain = all(value and set(value) <= {"rope_type", "rope_theta"} for value in rope.values())
        same = thetas == theta or set(thetas.values()) == {theta}
        return (
            {}
            if plain and same
            else {"rope": {kind: value or "none" for kind, value in rope.items()}}
        )
    rest = {name: value for name, value in rope.items() if value is not None}
    partial = {"partial": rest.pop("partial_rotary_factor", 1.0)}
    plain = rest.get("rope_type", "default") == "default" and set(rest) <= {
        "rope_type",
        "rope_theta",
    }
    return (partial if partial["partial"] != 1 else {}) | ({} if plain else {"rope": rest})


def _head_dim_is_derived(kind: Any, values: dict[str, Any]) -> bool:
    """Whether another number of heads gives another head_dim."""
    heads = values.get("num_attention_heads")
    if not heads or not values.get("head_dim"):
        return False
    try:
        other = kind(num_attention_heads=2 * heads).to_dict()
    except (ValueError, StrictDataclassError):  # these sizes do not fit one another
        return bool(values["head_dim"] * heads == values.get("hidden_size"))
    return bool(other["head_dim"] != values["head_dim"])


def _defaults(name: str) -> dict[str, Any]:
    """What a configuration class of transformers means where it is told nothing."""
    kind = CONFIG_MAPPING[name]
    try:
        values = kind().to_dict()
    except (ValueError, StrictDataclassError):  # it cannot be built without arguments
        return {}
    rope = values.get("rope_parameters")
    theta = values.get("rope_theta") or (rope or {}).get("rope_theta") or kind.default_theta
    if not rope and "rope_theta" not in values:
        return {}
    if isinstance(kind.default_theta, dict):
        names = {"global": "full_attention", "local": "sliding_attention"}
        theta = {names.get(layers, layers): value for layers, value in kind.default_theta.items()}
    if _head_dim_is_derived(kind, values):
        del values["head_dim"]
    sizes = {key: values[key] for key in SIZES if values.get(key)}
    return {"theta": theta} | sizes | _rope(rope, theta)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def architectures() -> dict[str, dict[str, Any]]:
    """By the model type: what stands where its config.json says nothing."""
    table = {}
    for name in sorted({*CONFIG_MAPPING.keys(), *BY_HAND}):
        known = _defaults(name) if name in CONFIG_MAPPING else {}
        if known or name in BY_HAND:
            table[name] = known | BY_HAND.get(name, {})
    return table


if __name__ == "__main__":
    head = "# What transformers' configuration classes mean where a config.json says nothing, by its model_type.\n"
    lines = [f'"{name}" = {_toml(values)}\n' for name, values in architectures().items()]
    FILE.write_text(head + "# Written by tests/model/write_architectures.py.\n\n" + "".join(lines))
