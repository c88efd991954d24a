"""The rotary keys of public models' configurations, each with the rotation that its model has."""

import math
from typing import Any

from rotcheck.rotary.schedules import (
    Axial,
    AxisRows,
    DynamicNtk,
    Linear,
    Llama3,
    LongRope,
    Ntk,
    Plain,
    Proportional,
    Schedule,
    Yarn,
)

SHORT, LONG = [1 + 0.02 * pair for pair in range(48)], [1 + 1.2 * pair for pair in range(48)]
LLAMA3 = {
    "factor": 8.0,
    "high_freq_factor": 4.0,
    "low_freq_factor": 1.0,
    "original_max_position_embeddings": 8192,
    "rope_type": "llama3",
}
DEEPSEEK = {
    "beta_fast": 32,
    "beta_slow": 1,
    "factor": 40,
    "mscale": 1.0,
    "mscale_all_dim": 1.0,
    "original_max_position_embeddings": 4096,
    "type": "yarn",
}
GPT_OSS = {
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "factor": 32.0,
    "original_max_position_embeddings": 4096,
    "rope_type": "yarn",
    "truncate": False,
}
LONGROPE = LongRope(tuple(SHORT), tuple(LONG), 4096, 32.0)
YARN_OF_OLMO = {
    "attention_factor": 1.2079441541679836,
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "factor": 8.0,
    "original_max_position_embeddings": 8192,
    "rope_type": "yarn",
}
LAYERS = ["sliding_attention", "sliding_attention", "sliding_attention", "full_attention"]
QWEN_TOWER = {
    "depth": 32,
    "embed_dim": 1280,
    "num_heads": 16,
    "hidden_size": 3584,
    "patch_size": 14,
}


def _sizes(hidden: int, heads: int, longest: int = 4096, **values: Any) -> dict[str, Any]:
    sizes = {
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "max_position_embeddings": longest,
    }
    return sizes | values


Rotation = tuple[str, str, Schedule, int, int, float]
"""Its part, its layers, its schedule, how many lanes turn of how many, and its amplitude."""


def _whole(
    schedule: Schedule, lanes: int, head: int | None = None, amplitude: float = 1.0
) -> list[Rotation]:
    return [("", "", schedule, lanes, head or lanes, amplitude)]


CONFIGS: dict[str, tuple[dict[str, Any], list[Rotation]]] = {
    "Llama 2 7B": (
        _sizes(4096, 32, model_type="llama", rope_scaling=None),
        _whole(Plain(1e4), 128),
    ),
    "Llama 3.1 8B": (
        _sizes(4096, 32, 131072, model_type="llama", rope_theta=500000.0, rope_scaling=LLAMA3),
        _whole(Llama3(8.0, 8192, 5e5), 128),
    ),
    "Llama 3.2 1B": (
        _sizes(
            2048,
            32,
            131072,
            model_type="llama",
            head_dim=64,
            rope_theta=500000.0,
            rope_scaling=LLAMA3 | {"factor": 32.0},
        ),
        _whole(Llama3(32.0, 8192, 5e5), 64),
    ),
    "Llama 3.1 8B, saved by transformers 5": (
        _sizes(
            4096, 32, 131072, model_type="llama", rope_parameters=LLAMA3 | {"rope_theta": 500000.0}
        ),
        _whole(Llama3(8.0, 8192, 5e5), 128),
    ),
    "Llama 4 Scout": (
        {
            "model_type": "llama4",
            "text_config": _sizes(
                5120,
                40,
                10485760,
                model_type="llama4_text",
                head_dim=128,
                no_rope_layers=[],
                num_hidden_layers=48,
                rope_theta=500000.0,
                rope_scaling=LLAMA3 | {"factor": 16.0, "high_freq_factor": 1.0},
            ),
            "vision_config": {
                "model_type": "llama4_vision_model",
                "hidden_size": 1408,
                "num_attention_heads": 16,
                "rope_theta": 10000,
            },
        },
        [
            ("text_config", "", Llama3(16.0, 8192, 5e5, 1.0, 1.0), 128, 128, 1.0),
            ("vision_config", "", Axial(2, 1e4), 88, 88, 1.0),
        ],
    ),
    "Qwen2.5 7B 1M": (
        _sizes(
            3584,
            28,
            1010000,
            model_type="qwen2",
            rope_theta=1e7,
            dual_chunk_attention_config={"chunk_size": 262144},
        ),
        _whole(Plain(1e7), 128),
    ),
    "Qwen2.5 7B with YaRN": (
        _sizes(
            3584,
            28,
            32768,
            model_type="qwen2",
            rope_theta=1e6,
            rope_scaling={"factor": 4.0, "original_max_position_embeddings": 32768, "type": "yarn"},
        ),
        _whole(Yarn(4.0, 32768, 1e6), 128, amplitude=0.1 * math.log(4) + 1),
    ),
    "Qwen2-VL 7B": (
        _sizes(
            3584,
            28,
            32768,
            model_type="qwen2_vl",
            rope_theta=1e6,
            rope_scaling={"type": "mrope", "mrope_section": [16, 24, 24]},
            vision_config=QWEN_TOWER,
        ),
        [*_whole(Plain(1e6), 128), ("vision_config", "", Axial(2, 1e4), 80, 80, 1.0)],
    ),
    "Qwen3-VL 8B": (
        {
            "model_type": "qwen3_vl",
            "text_config": _sizes(
                4096,
                32,
                262144,
                model_type="qwen3_vl_text",
                head_dim=128,
                rope_theta=5e6,
                rope_scaling={
                    "mrope_interleaved": True,
                    "mrope_section": [24, 20, 20],
                    "rope_type": "default",
                },
            ),
        },
        [("text_config", "", Plain(5e6), 128, 128, 1.0)],
    ),
    "Phi-3 mini 128k": (
        _sizes(
            3072,
            32,
            131072,
            model_type="phi3",
            original_max_position_embeddings=4096,
            rope_theta=10000.0,
            rope_scaling={"long_factor": LONG, "short_factor": SHORT, "type": "su"},
        ),
        _whole(LONGROPE, 96, amplitude=math.sqrt(1 + math.log(32) / math.log(4096))),
    ),
    "Phi-4 mini": (
        _sizes(
            3072,
            24,
            131072,
            model_type="phi3",
            original_max_position_embeddings=4096,
            partial_rotary_factor=0.75,
            rope_theta=10000.0,
            rope_scaling={"long_factor": LONG, "short_factor": SHORT, "type": "longrope"},
        ),
        _whole(LONGROPE, 96, 128, math.sqrt(1 + math.log(32) / math.log(4096))),
    ),
    "Phi-2": (
        _sizes(2560, 32, 2048, model_type="phi", partial_rotary_factor=0.4, rope_theta=10000.0),
        _whole(Plain(1e4), 32, 80),
    ),
    "Gemma 2 9B": (
        _sizes(3584, 16, 8192, model_type="gemma2", head_dim=256, rope_theta=10000.0),
        _whole(Plain(1e4), 256),
    ),
    "Gemma 3 4B": (
        {
            "model_type": "gemma3",
            "text_config": {
                "model_type": "gemma3_text",
                "hidden_size": 2560,
                "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
            },
            "vision_config": {"hidden_size": 1152, "model_type": "siglip_vision_model"},
        },
        [
            ("text_config", "full_attention", Linear(8.0, 1e6), 256, 256, 1.0),
            ("text_config", "sliding_attention", Plain(1e4), 256, 256, 1.0),
        ],
    ),
    "Gemma 3 1B": (
        _sizes(
            1152,
            4,
            32768,
            model_type="gemma3_text",
            head_dim=256,
            rope_theta=1000000,
            rope_local_base_freq=10000,
        ),
        [
            ("", "full_attention", Plain(1e6), 256, 256, 1.0),
            ("", "sliding_attention", Plain(1e4), 256, 256, 1.0),
        ],
    ),
    "Gemma 4": (
        {
            "model_type": "gemma4",
            "text_config": _sizes(
                2560,
                8,
                131072,
                model_type="gemma4_text",
                head_dim=256,
                global_head_dim=512,
                layer_types=LAYERS,
                rope_parameters={
                    "full_attention": {
                        "partial_rotary_factor": 0.25,
                        "rope_theta": 1000000.0,
                        "rope_type": "proportional",
                    },
                    "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"},
                },
            ),
        },
        [
            ("text_config", "full_attention", Proportional(0.25, 1e6), 128, 512, 1.0),
            ("text_config", "sliding_attention", Plain(1e4), 256, 256, 1.0),
        ],
    ),
    "gpt-oss 20B": (
        _sizes(
            2880,
            64,
            131072,
            model_type="gpt_oss",
            head_dim=64,
            rope_theta=150000,
            rope_scaling=GPT_OSS,
        ),
        _whole(Yarn(32.0, 4096, 1.5e5, truncate=False), 64, amplitude=0.1 * math.log(32) + 1),
    ),
    "DeepSeek-V3": (
        _sizes(
            7168,
            128,
            163840,
            model_type="deepseek_v3",
            qk_nope_head_dim=128,
            qk_rope_head_dim=64,
            rope_theta=10000,
            rope_scaling=DEEPSEEK,
        ),
        _whole(Yarn(40.0, 4096, mscale=1.0, mscale_all_dim=1.0), 64, 192),
    ),
    "DeepSeek-V2-Lite": (
        _sizes(
            2048,
            16,
            163840,
            model_type="deepseek_v2",
            qk_nope_head_dim=128,
            qk_rope_head_dim=64,
            rope_theta=10000,
            rope_scaling=DEEPSEEK | {"mscale": 0.707, "mscale_all_dim": 0.707},
        ),
        _whole(Yarn(40.0, 4096, mscale=0.707, mscale_all_dim=0.707), 64, 192),
    ),
    "GLM-4 9B, for transformers": (
        _sizes(
            4096,
            32,
            131072,
            model_type="glm",
            head_dim=128,
            partial_rotary_factor=0.5,
            rope_theta=10000.0,
        ),
        _whole(Plain(1e4), 64, 128),
    ),
    "GLM-4 9B, with its own code": (
        {
            "model_type": "chatglm",
            "hidden_size": 4096,
            "num_attention_heads": 32,
            "kv_channels": 128,
            "rope_ratio": 500,
            "seq_length": 131072,
        },
        _whole(Plain(5e6), 64, 128),
    ),
    "ModernBERT base": (
        _sizes(
            768,
            12,
            8192,
            model_type="modernbert",
            global_rope_theta=160000.0,
            local_rope_theta=10000.0,
        ),
        [
            ("", "full_attention", Plain(1.6e5), 64, 64, 1.0),
            ("", "sliding_attention", Plain(1e4), 64, 64, 1.0),
        ],
    ),
    "GPT-NeoX 20B": (
        _sizes(6144, 64, 2048, model_type="gpt_neox", rotary_pct=0.25, rotary_emb_base=10000),
        _whole(Plain(1e4), 24, 96),
    ),
    "GPT-J 6B": (
        {
            "model_type": "gptj",
            "n_embd": 4096,
            "n_head": 16,
            "n_positions": 2048,
            "rotary": True,
            "rotary_dim": 64,
        },
        _whole(Plain(1e4), 64, 256),
    ),
    "Command R": (
        _sizes(8192, 64, 8192, model_type="cohere", rope_theta=8000000.0),
        _whole(Plain(8e6), 128),
    ),
    "Command R7B": (
        _sizes(
            4096,
            32,
            8192,
            model_type="cohere2",
            head_dim=128,
            rope_theta=50000,
            sliding_window=4096,
            layer_types=LAYERS,
        ),
        [("", "sliding_attention", Plain(5e4), 128, 128, 1.0)],
    ),
    "EXAONE 4.0 1.2B": (
        _sizes(
            2048,
            32,
            65536,
            model_type="exaone4",
            head_dim=64,
            rope_theta=1000000,
            sliding_window=None,
        ),
        _whole(Plain(1e6), 64),
    ),
    "Falcon 7B": (_sizes(4544, 71, 2048, model_type="falcon", alibi=False), _whole(Plain(1e4), 64)),
    "DBRX": (
        {
            "model_type": "dbrx",
            "d_model": 6144,
            "n_heads": 48,
            "max_seq_len": 32768,
            "attn_config": {"rope_theta": 500000},
        },
        _whole(Plain(5e5), 128),
    ),
    "Olmo 3 7B": (
        _sizes(
            4096,
            32,
            65536,
            model_type="olmo3",
            layer_types=LAYERS,
            rope_theta=500000,
            rope_scaling=YARN_OF_OLMO,
        ),
        [
            (
                "",
                "full_attention",
                Yarn(8.0, 8192, 5e5, attention=1.2079441541679836),
                128,
                128,
                1.2079441541679836,
            ),
            ("", "sliding_attention", Plain(5e5), 128, 128, 1.0),
        ],
    ),
    "StableLM 3B": (
        _sizes(2560, 32, 4096, model_type="stablelm", partial_rotary_factor=0.25, rope_theta=10000),
        _whole(Plain(1e4), 20, 80),
    ),
    "Persimmon 8B": (
        _sizes(
            4096, 64, 16384, model_type="persimmon", partial_rotary_factor=0.5, rope_theta=25000.0
        ),
        _whole(Plain(25000.0), 32, 64),
    ),
    "MiniMax-M2": (
        _sizes(
            3072,
            48,
            196608,
            model_type="minimax_m2",
            head_dim=128,
            rotary_dim=64,
            rope_theta=5000000,
        ),
        _whole(Plain(5e6), 64, 128),
    ),
    "Qwen3-Next 80B": (
        _sizes(
            2048,
            16,
            262144,
            model_type="qwen3_next",
            head_dim=256,
            partial_rotary_factor=0.25,
            rope_theta=10000000,
        ),
        _whole(Plain(1e7), 64, 256),
    ),
    "Hunyuan A13B": (
        _sizes(
            4096,
            32,
            32768,
            model_type="hunyuan_v1_moe",
            head_dim=128,
            rope_theta=10000.0,
            rope_scaling={
                "alpha": 1000.0,
                "factor": 1.0,
                "mscale": 1.0,
                "mscale_all_dim": 1.0,
                "type": "dynamic",
            },
        ),
        _whole(Ntk(1000.0), 128),
    ),
    "InternLM2 7B": (
        _sizes(
            4096,
            32,
            32768,
            model_type="internlm2",
            rope_theta=1000000,
            rope_scaling={"type": "dynamic", "factor": 2.0},
        ),
        _whole(DynamicNtk(2.0, 32768, 1e6), 128),
    ),
    "ESM-2 650M": (
        _sizes(1280, 20, 1026, model_type="esm", position_embedding_type="rotary"),
        _whole(Plain(1e4), 64),
    ),
    "wav2vec2-conformer, rope": (
        {
            "model_type": "wav2vec2-conformer",
            "hidden_size": 1024,
            "num_attention_heads": 16,
            "position_embeddings_type": "rotary",
            "rotary_embedding_base": 10000,
        },
        _whole(Plain(1e4), 64),
    ),
    "nomic-embed": (
        {
            "model_type": "nomic_bert",
            "n_embd": 768,
            "n_head": 12,
            "n_positions": 8192,
            "rotary_emb_base": 1000,
            "rotary_emb_fraction": 1.0,
        },
        _whole(Plain(1e3), 64),
    ),
    "Pythia, in litgpt": (
        {
            "n_embd": 512,
            "n_head": 8,
            "head_size": 64,
            "rotary_percentage": 0.25,
            "rope_base": 10000,
            "rope_condense_ratio": 1,
        },
        _whole(Plain(1e4), 16, 64),
    ),
    "Llama 3.1, in litgpt": (
        {
            "n_embd": 4096,
            "n_head": 32,
            "rotary_percentage": 1.0,
            "rope_base": 500000,
            "rope_adjustments": {
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_seq_len": 8192,
            },
        },
        _whole(Llama3(8.0, 8192, 5e5), 128),
    ),
    "Llama 2, of Meta": (
        {"dim": 4096, "n_heads": 32, "n_layers": 32, "norm_eps": 1e-5},
        _whole(Plain(1e4), 128),
    ),
    "Llama 3.1, of Meta": (
        {
            "dim": 4096,
            "n_heads": 32,
            "n_layers": 32,
            "norm_eps": 1e-5,
            "rope_theta": 500000.0,
            "use_scaled_rope": True,
        },
        _whole(Llama3(8.0, 8192, 5e5), 128),
    ),
    "Mistral 7B, of Mistral": (
        {"dim": 4096, "n_heads": 32, "head_dim": 128, "norm_eps": 1e-5, "rope_theta": 1000000.0},
        _whole(Plain(1e6), 128),
    ),
    "with YaRN, of Mistral": (
        {
            "dim": 3072,
            "n_heads": 32,
            "head_dim": 128,
            "norm_eps": 1e-5,
            "rope_theta": 1000000.0,
            "yarn": {
                "original_max_position_embeddings": 16384,
                "factor": 16,
                "apply_scale": False,
                "beta": 32,
                "alpha": 1,
            },
        },
        _whole(Yarn(16.0, 16384, 1e6, attention=1.0), 128),
    ),
    "Llama 3.1, in Megatron": (
        {
            "--position-embedding-type": "rope",
            "--rotary-base": "500000",
            "--hidden-size": "4096",
            "--num-attention-heads": "32",
            "--use-rope-scaling": True,
        },
        _whole(Llama3(8.0, 8192, 5e5), 128),
    ),
    "interpolated, in Megatron": (
        {
            "position_embedding_type": "rope",
            "rotary_base": 10000,
            "rotary_percent": 0.5,
            "kv_channels": 128,
            "rotary_seq_len_interpolation_factor": 4,
        },
        _whole(Linear(4.0, 1e4), 64, 128),
    ),
    "DeepSeek-V3, in Megatron": (
        {
            "multi_latent_attention": True,
            "rotary_base": 10000,
            "mscale_all_dim": 1.0,
            "hidden_size": 7168,
            "num_attention_heads": 128,
        },
        _whole(Yarn(40.0, 4096, mscale=1.0, mscale_all_dim=1.0), 64, 192),
    ),
    "YaRN with an mscale alone, in Megatron": (
        {
            "position_embedding_type": "yarn",
            "rotary_base": 10000,
            "kv_channels": 64,
            "yarn_rotary_scaling_factor": 40.0,
            "yarn_original_max_position_embeddings": 4096,
            "yarn_mscale": 0.5,
            "yarn_mscale_all_dim": 0.0,
        },
        _whole(
            Yarn(40.0, 4096, attention=0.05 * math.log(40) + 1),
            64,
            amplitude=0.05 * math.log(40) + 1,
        ),
    ),
    "FLUX.1": (
        {
            "_class_name": "FluxTransformer2DModel",
            "attention_head_dim": 128,
            "num_attention_heads": 24,
            "axes_dims_rope": [16, 56, 56],
        },
        _whole(AxisRows((16, 56, 56)), 128),
    ),
    "HunyuanVideo": (
        {
            "_class_name": "HunyuanVideoTransformer3DModel",
            "attention_head_dim": 128,
            "rope_theta": 256.0,
            "rope_axes_dim": [16, 56, 56],
        },
        _whole(AxisRows((16, 56, 56), 256.0), 128),
    ),
    "Llama 3.1, in GGUF": (
        {
            "general.architecture": "llama",
            "llama.rope.freq_base": 500000.0,
            "llama.rope.dimension_count": 128,
            "llama.embedding_length": 4096,
            "llama.attention.head_count": 32,
            "llama.context_length": 131072,
            "rope_freqs.weight": [1.0] * 32 + [8.0] * 32,
        },
        _whole(
            LongRope(
                (1.0,) * 32 + (8.0,) * 32,
                (1.0,) * 32 + (8.0,) * 32,
                131072,
                1.0,
                theta=5e5,
                attention=1.0,
            ),
            128,
        ),
    ),
    "Gemma 3, in GGUF": (
        {
            "general.architecture": "gemma3",
            "gemma3.rope.freq_base": 1000000.0,
            "gemma3.rope.scaling.type": "linear",
            "gemma3.rope.scaling.factor": 8.0,
            "gemma3.attention.key_length": 256,
            "gemma3.embedding_length": 2560,
            "gemma3.attention.head_count": 8,
            "gemma3.context_length": 131072,
        },
        [
            ("", "full_attention", Linear(8.0, 1e6), 256, 256, 1.0),
            ("", "sliding_attention", Plain(1e4), 256, 256, 1.0),
        ],
    ),
    "gpt-oss with a factor of attention, in GGUF": (
        {
            "general.architecture": "gpt-oss",
            "gpt-oss.rope.freq_base": 150000.0,
            "gpt-oss.rope.scaling.type": "yarn",
            "gpt-oss.rope.scaling.factor": 32.0,
            "gpt-oss.rope.scaling.original_context_length": 4096,
            "gpt-oss.rope.scaling.attn_factor": 0.5,
            "gpt-oss.attention.key_length": 64,
        },
        _whole(
            Yarn(32.0, 4096, 1.5e5, attention=0.05 * math.log(32) + 0.5),
            64,
            amplitude=0.05 * math.log(32) + 0.5,
        ),
    ),
    "DeepSeek-V3, in GGUF": (
        {
            "general.architecture": "deepseek2",
            "deepseek2.rope.freq_base": 10000.0,
            "deepseek2.rope.dimension_count": 64,
            "deepseek2.rope.scaling.type": "yarn",
            "deepseek2.rope.scaling.factor": 40.0,
            "deepseek2.rope.scaling.original_context_length": 4096,
            "deepseek2.rope.scaling.yarn_log_multiplier": 0.1,
            "deepseek2.attention.key_length": 192,
        },
        _whole(Yarn(40.0, 4096, attention=1.0), 64, 192),
    ),
}

WITHOUT: dict[str, dict[str, Any]] = {
    "BERT": _sizes(768, 12, 512, model_type="bert", position_embedding_type="absolute"),
    "GPT-2": {"model_type": "gpt2", "n_embd": 768, "n_head": 12, "n_positions": 1024},
    "T5": {"model_type": "t5", "d_model": 512, "num_heads": 8},
    "Falcon RW": _sizes(2048, 32, 2048, model_type="falcon", alibi=True),
    "MPT 7B": {
        "model_type": "mpt",
        "d_model": 4096,
        "n_heads": 32,
        "attn_config": {"alibi": True, "rope": False, "rope_theta": 10000},
    },
    "Granite 4 hybrid": _sizes(
        1536, 12, model_type="granitemoehybrid", position_embedding_type="nope", rope_theta=10000
    ),
    "Kimi Linear": _sizes(
        2304,
        32,
        model_type="kimi_linear",
        mla_use_nope=True,
        qk_rope_head_dim=64,
        rope_theta=10000.0,
    ),
    "ESM-1b": _sizes(
        1280, 20, 1026, model_type="esm", position_embedding_type="absolute", rope_theta=10000.0
    ),
    "Stable Diffusion 3": {"_class_name": "SD3Transformer2DModel", "attention_head_dim": 64},
    "a vision transformer": {"model_type": "vit", "hidden_size": 768, "num_attention_heads": 12},
    "a transformer of somebody's own": {
        "sequence_len": 1024,
        "vocab_size": 50304,
        "n_layer": 12,
        "n_head": 6,
        "n_embd": 768,
    },
    "learned, in Megatron": {
        "position_embedding_type": "learned_absolute",
        "rotary_base": 10000,
        "hidden_size": 1024,
    },
    "GPT-2, in GGUF": {"general.architecture": "gpt2", "gpt2.embedding_length": 768},
}
