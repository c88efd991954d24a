"""Configurations that are read wrongly, and how transformers then turns: what one would measure."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from public_configs import CONFIGS
from torch import Tensor
from transformers import LlamaConfig, Phi3Config
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

Config = dict[str, Any]
Planted = tuple[str, int, Callable[[Config], tuple[Tensor, float]], int, tuple[str, ...]]
"""A public model, the number of its rotation, what is measured instead, the length, the words."""


def turn(config: Config, length: int | None = None) -> tuple[Tensor, float]:
    """The frequencies, (P,), and the attention factor of a flat configuration, in float32."""
    rope = dict(config["rope_parameters"])
    rope.setdefault("rope_type", rope.pop("type", "default"))
    kind = Phi3Config if rope["rope_type"] == "longrope" else LlamaConfig
    rest = {
        key: value for key, value in config.items() if key not in ("rope_parameters", "model_type")
    }
    built = kind(**rest, rope_parameters=rope)
    if rope["rope_type"] == "default":
        row, factor = LlamaRotaryEmbedding.compute_default_rope_parameters(built)
    else:
        row, factor = ROPE_INIT_FUNCTIONS[rope["rope_type"]](built, None, seq_len=length)
    return row.double(), factor


def flat(
    config: Config, theta: float | None = None, scaling: Config | None = None, **sizes: Any
) -> Config:
    """A configuration in transformers 5's spelling; `scaling`: other keys of it, or {} for none."""
    config = copy.deepcopy(config)
    old = config.pop("rope_scaling", None) or {}
    partial = config.pop("partial_rotary_factor", None)
    rope = (old if scaling is None else {**old, **scaling} if scaling else {}) | {
        "rope_theta": theta or float(config.pop("rope_theta", 10000.0))
    }
    if partial is not None:
        rope["partial_rotary_factor"] = partial
    config.pop("rope_theta", None)
    return {"num_key_value_heads": 4} | config | sizes | {"rope_parameters": rope}


def _geometric(lanes: int, theta: float) -> Tensor:
    return 1.0 / (theta ** (torch.arange(0, lanes, 2).float() / lanes)).double()


def _with(**changes: Any) -> Callable[[Config], tuple[Tensor, float]]:
    return lambda config: turn(flat(config, **changes))


def _row(
    change: Callable[[Tensor], Tensor], **changes: Any
) -> Callable[[Config], tuple[Tensor, float]]:
    def measure(config: Config) -> tuple[Tensor, float]:
        row, factor = turn(flat(config, **changes))
        return change(row), factor

    return measure


LLAMA, GPT, DEEP, QWEN = "Llama 3.1 8B", "gpt-oss 20B", "DeepSeek-V3", "Qwen2.5 7B with YaRN"
GEMMA, PHI, INTERN = "Gemma 3 4B", "Phi-4 mini", "InternLM2 7B"
FIVE = "Llama 3.1 8B, saved by transformers 5"


def _rope5(config: Config, **changes: Any) -> Config:
    return {**config, "rope_parameters": {**config["rope_parameters"], **changes}}


PLANTED: dict[str, Planted] = {
    "theta ignored": (
        LLAMA,
        0,
        _with(theta=1e4),
        1,
        ("rope_theta is ignored", "10,000", "500,000", "rope_parameters.rope_theta finds none"),
    ),
    "theta of rope_parameters ignored": (
        FIVE,
        0,
        lambda c: turn(_rope5({**c, "num_key_value_heads": 4}, rope_theta=1e4)),
        1,
        ("rope_parameters.rope_theta is ignored", "outside of rope_parameters finds none"),
    ),
    "rope_parameters ignored": (
        FIVE,
        0,
        lambda c: (_geometric(128, 1e4), 1.0),
        1,
        ("rope_parameters is not read", "10,000 and nothing is scaled"),
    ),
    "theta of a plain model ignored": (
        "Command R",
        0,
        lambda c: (_geometric(128, 1e4), 1.0),
        1,
        ("rope_theta is ignored", "8,000,000"),
    ),
    "scaling ignored": (
        LLAMA,
        0,
        lambda c: (_geometric(128, 5e5), 1.0),
        1,
        ("rope_scaling is ignored: nothing is scaled",),
    ),
    "theta and scaling ignored": (
        LLAMA,
        0,
        lambda c: (_geometric(128, 1e4), 1.0),
        1,
        ("rope_theta is ignored", "rope_scaling is ignored"),
    ),
    "yarn ignored": (
        QWEN,
        0,
        lambda c: (_geometric(128, 1e6), 1.0),
        1,
        ("rope_scaling is ignored", "attention factor of rope_scaling is missing"),
    ),
    "scaling applied twice": (
        LLAMA,
        0,
        lambda c: (turn(flat(c))[0] ** 2 / _geometric(128, 5e5), 1.0),
        1,
        ("rope_scaling is applied twice",),
    ),
    "linear applied twice": (
        GEMMA,
        0,
        lambda c: (_geometric(256, 1e6) / 64, 1.0),
        1,
        ("rope_scaling is applied twice",),
    ),
    "linear inverted": (
        GEMMA,
        0,
        lambda c: (_geometric(256, 1e6) * 8, 1.0),
        1,
        ("wrong way round",),
    ),
    "factor halved": (
        LLAMA,
        0,
        _with(scaling={"factor": 4.0}),
        1,
        ("the factor is 4, half of what rope_scaling.factor",),
    ),
    "factor doubled": (QWEN, 0, _with(scaling={"factor": 8.0}), 1, ("the factor is 8, twice",)),
    "factor squared": (
        LLAMA,
        0,
        _with(scaling={"factor": 64.0}),
        1,
        ("the factor is 64, the square of",),
    ),
    "factor from both lengths": (
        LLAMA,
        0,
        _with(scaling={"factor": 16.0}),
        1,
        ("the ratio of both lengths",),
    ),
    "Llama 3.2's factor read as 8": (
        "Llama 3.2 1B",
        0,
        _with(scaling={"factor": 8.0}),
        1,
        ("the factor is 8, a usual default",),
    ),
    "low and high exchanged": (
        LLAMA,
        0,
        lambda c: turn(flat(c, scaling={"low_freq_factor": 4.0, "high_freq_factor": 1.0})),
        1,
        ("low_freq_factor and high_freq_factor are exchanged",),
    ),
    "high ignored": (
        "Llama 4 Scout",
        0,
        lambda c: turn(
            flat(c["text_config"] | {"num_key_value_heads": 8}, scaling={"high_freq_factor": 4.0})
        ),
        1,
        ("high_freq_factor is ignored: it is 4",),
    ),
    "original length ignored": (
        LLAMA,
        0,
        _with(scaling={"original_max_position_embeddings": 131072}),
        1,
        ("original_max_position_embeddings is ignored: max_position_embeddings",),
    ),
    "original length of yarn ignored": (
        GPT,
        0,
        _with(scaling={"original_max_position_embeddings": 131072}),
        1,
        ("original_max_position_embeddings is ignored",),
    ),
    "betas exchanged": (
        QWEN,
        0,
        _with(scaling={"beta_fast": 1.0, "beta_slow": 32.0}),
        1,
        ("beta_fast and beta_slow are exchanged",),
    ),
    "ramp rounded": (
        GPT,
        0,
        _with(scaling={"truncate": True}),
        1,
        ("rounded to whole pairs", "truncate"),
    ),
    "yarn as linear": (
        DEEP,
        0,
        lambda c: (_geometric(64, 1e4) / 40, 1.0),
        1,
        ("yarn, and it is computed as linear",),
    ),
    "llama3 as linear": (
        LLAMA,
        0,
        lambda c: (_geometric(128, 5e5) / 8, 1.0),
        1,
        ("llama3, and it is computed as linear",),
    ),
    "yarn as NTK": (
        QWEN,
        0,
        lambda c: (_geometric(128, 1e6 * 4 ** (128 / 126)), 1.0),
        1,
        ("NTK scaling by 4 at every length",),
    ),
    "partial factor ignored": (
        "GLM-4 9B, for transformers",
        0,
        lambda c: (_geometric(128, 1e4), 1.0),
        1,
        ("partial_rotary_factor is ignored: the whole head of 128",),
    ),
    "rotary_dim ignored": (
        "MiniMax-M2",
        0,
        lambda c: (_geometric(128, 5e6), 1.0),
        1,
        ("rotary_dim is ignored: the whole head of 128",),
    ),
    "rotary_pct ignored": (
        "GPT-NeoX 20B",
        0,
        lambda c: (_geometric(96, 1e4), 1.0),
        1,
        ("rotary_pct is ignored",),
    ),
    "partial factor applied twice": (
        "GLM-4 9B, for transformers",
        0,
        lambda c: (_geometric(32, 1e4), 1.0),
        1,
        ("partial_rotary_factor is applied twice",),
    ),
    "exponents over the head": (
        "GLM-4 9B, for transformers",
        0,
        lambda c: (_geometric(128, 1e4)[:32], 1.0),
        1,
        ("exponents run over head_dim, 128",),
    ),
    "head_dim ignored": (
        "Qwen3-Next 80B",
        0,
        lambda c: (_geometric(32, 1e7), 1.0),
        1,
        ("head_dim is ignored: head_dim is 128, hidden_size / num_att",),
    ),
    "head_dim ignored, of Gemma": (
        GEMMA,
        1,
        lambda c: (_geometric(320, 1e4), 1.0),
        1,
        ("head_dim", "320, text_config.hidden_size / num_attention_heads"),
    ),
    "MLA turns the whole head": (
        DEEP,
        0,
        lambda c: turn(flat(c, head_dim=192)),
        1,
        ("qk_rope_head_dim is ignored: the whole head of 192",),
    ),
    "layers exchanged, full": (
        GEMMA,
        0,
        lambda c: (_geometric(256, 1e4), 1.0),
        1,
        ("turns as sliding_attention is declared to",),
    ),
    "layers exchanged, sliding": (
        GEMMA,
        1,
        lambda c: (_geometric(256, 1e6) / 8, 1.0),
        1,
        ("turns as full_attention is declared to",),
    ),
    "sliding layers scaled too": (
        GEMMA,
        1,
        lambda c: (_geometric(256, 1e4) / 8, 1.0),
        1,
        ("scaling of full_attention is applied to sliding_attention too",),
    ),
    "global theta in local layers": (
        "ModernBERT base",
        1,
        lambda c: (_geometric(64, 1.6e5), 1.0),
        1,
        ("turns as full_attention is declared to",),
    ),
    "long factors in short sequences": (
        PHI,
        0,
        lambda c: turn(flat(c), 100000),
        1,
        ("short_factor and long_factor are exchanged",),
    ),
    "short factors in long sequences": (
        PHI,
        0,
        lambda c: turn(flat(c), 100),
        100000,
        ("short_factor and long_factor are exchanged",),
    ),
    "dynamic, and never changes": (
        INTERN,
        0,
        lambda c: (_geometric(128, 1e6), 1.0),
        100000,
        ("rope_scaling is ignored",),
    ),
    "dynamic as linear": (
        INTERN,
        0,
        lambda c: (_geometric(128, 1e6) / 2, 1.0),
        1,
        ("dynamic, and it is computed as linear",),
    ),
    "proportional as a part of the head": (
        "Gemma 4",
        0,
        lambda c: (_geometric(128, 1e6), 1.0),
        1,
        ("rope_type is ignored",),
    ),
    "a row a section": (
        "Qwen2-VL 7B",
        0,
        lambda c: (torch.cat([_geometric(32, 1e6), _geometric(48, 1e6), _geometric(48, 1e6)]), 1.0),
        1,
        ("each of the sections (16, 24, 24)",),
    ),
    "frequencies in bfloat16": (
        "Command R",
        0,
        lambda c: (_geometric(128, 8e6).to(torch.bfloat16).double(), 1.0),
        1,
        ("rounded to bfloat16",),
    ),
    "rope_ratio ignored": (
        "GLM-4 9B, with its own code",
        0,
        lambda c: (_geometric(64, 1e4), 1.0),
        1,
        ("rope_ratio is ignored",),
    ),
    "Megatron's scaling not forwarded": (
        "Llama 3.1, in Megatron",
        0,
        lambda c: (_geometric(128, 5e5), 1.0),
        1,
        ("--use-rope-scaling is ignored",),
    ),
    "GGUF's base not read": (
        "Llama 3.1, in GGUF",
        0,
        lambda c: (_geometric(128, 1e4) / torch.tensor([1.0] * 32 + [8.0] * 32), 1.0),
        1,
        ("llama.rope.freq_base is ignored",),
    ),
    "GGUF's divisors not read": (
        "Llama 3.1, in GGUF",
        0,
        lambda c: (_geometric(128, 5e5), 1.0),
        1,
        ("is ignored: nothing is scaled",),
    ),
    "the architecture's default": (
        "Llama 3.1 8B, as Apertus",
        0,
        lambda c: turn(flat(c, theta=12e6, scaling={"factor": 8.0, "rope_type": "llama3"})),
        1,
        ("none of the rotary keys is read: what turns is the default of the architecture",),
    ),
    "a row of its own": (
        LLAMA,
        0,
        lambda c: (_geometric(128, 777.0), 1.0),
        1,
        ("no single key explains it", "Plain(theta=777.0)"),
    ),
}

AMPLITUDES: dict[str, tuple[str, float, str]] = {
    "missing": (GPT, 1.0, "the attention factor of rope_scaling is missing"),
    "twice": (GPT, 1.3465735902799727**2, "is applied twice"),
    "mscale ignored": (
        DEEP,
        1.3688879454113936,
        "mscale and rope_scaling.mscale_all_dim are ignored",
    ),
    "of nobody": (LLAMA, 1.2, "scaled by 1.2, and 1 is declared"),
}


def config_of(name: str) -> Config:
    """The configuration of a public model."""
    model, _, architecture = name.partition(", as ")
    config = CONFIGS[model][0]
    return config | {"model_type": architecture.lower()} if architecture else config
