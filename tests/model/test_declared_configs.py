"""What public models' configurations declare is what their models are known to do."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from public_configs import CONFIGS, LLAMA3, LONG, SHORT, WITHOUT
from transformers import Gemma3TextConfig, GPTNeoXConfig, LlamaConfig, Phi3Config
from transformers.models.gemma3.modeling_gemma3 import Gemma3RotaryEmbedding
from transformers.models.gpt_neox.modeling_gpt_neox import GPTNeoXRotaryEmbedding
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.phi3.modeling_phi3 import Phi3RotaryEmbedding

from rotcheck.errors import RequestError
from rotcheck.model.declared.declared_file import declared_file
from rotcheck.model.declared.declared_rotation import DeclaredRotation, declared_rotations
from rotcheck.model.declared.gguf_metadata import TENSORS
from rotcheck.model.declared.spellings import INNER_KEYS, KEYS, LOCAL_THETAS, MAPPINGS


@pytest.mark.parametrize("name", CONFIGS)
def test_public_models_declare_what_they_do(name: str) -> None:
    config, expected = CONFIGS[name]
    found = declared_rotations(config)
    assert [each.obstacle for each in found] == [""] * len(expected)
    for each, (part, layers, schedule, lanes, head, amplitude) in zip(found, expected, strict=True):
        known = (each.part, each.layers, each.schedule, each.rotary_dim, each.head_dim)
        assert known == (part, layers, schedule, lanes, head)
        assert each.amplitude == pytest.approx(amplitude, rel=1e-12)


@pytest.mark.parametrize("name", WITHOUT)
def test_what_turns_nothing_declares_nothing(name: str) -> None:
    assert declared_rotations(WITHOUT[name]) == ()


def _inverse(rotary: Any, layers: str = "") -> torch.Tensor:
    buffer = getattr(rotary, f"{layers}_inv_freq" if layers else "inv_freq")
    return buffer.double()  # (P,)


SCALINGS: list[dict[str, Any]] = [
    {"rope_type": "default"},
    {"rope_type": "linear", "factor": 4.0},
    {"type": "dynamic", "factor": 2.0},
    LLAMA3,
    {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768},
    {
        "rope_type": "yarn",
        "factor": 40.0,
        "mscale": 0.707,
        "mscale_all_dim": 1.0,
        "beta_fast": 16,
        "beta_slow": 2,
    },
    {"rope_type": "yarn", "factor": 8.0, "truncate": False, "attention_factor": 1.5},
]


@pytest.mark.parametrize("version", ["of transformers 4", "of transformers 5"])
@pytest.mark.parametrize("scaling", SCALINGS, ids=str)
def test_both_spellings_mean_what_transformers_takes_them_for(
    scaling: dict[str, Any], version: str
) -> None:
    sizes = {"hidden_size": 1024, "num_attention_heads": 8, "max_position_embeddings": 131072}
    sizes |= {"model_type": "llama"}
    old = sizes | {"rope_theta": 250000.0, "rope_scaling": scaling}
    new = sizes | {"rope_parameters": {"rope_theta": 250000.0, **scaling}}
    config = old if version.endswith("4") else new
    (found,) = declared_rotations(config)
    rotary = LlamaRotaryEmbedding(LlamaConfig.from_dict(json.loads(json.dumps(config))))
    torch.testing.assert_close(found.frequencies(1), _inverse(rotary), rtol=2e-5, atol=0)
    assert found.amplitude == pytest.approx(rotary.attention_scaling, rel=1e-12)


def test_a_dynamic_schedule_follows_the_length_as_transformers_does() -> None:
    config = {"hidden_size": 1024, "num_attention_heads": 8, "max_position_embeddings": 2048}
    config |= {
        "model_type": "llama",
        "rope_theta": 1e4,
        "rope_scaling": {"type": "dynamic", "factor": 2.0},
    }
    (found,) = declared_rotations(config)
    rotary = LlamaRotaryEmbedding(LlamaConfig.from_dict(dict(config)))
    for length in (100, 2048, 5000):
        rotary(torch.zeros(1), torch.arange(length)[None])
        torch.testing.assert_close(found.frequencies(length), _inverse(rotary), rtol=2e-5, atol=0)


def test_longrope_changes_beyond_the_original_length_as_transformers_does() -> None:
    config, _ = CONFIGS["Phi-4 mini"]
    (found,) = declared_rotations(config)
    rotary = Phi3RotaryEmbedding(Phi3Config.from_dict(json.loads(json.dumps(config))))
    for length in (4096, 4097):
        rotary(torch.zeros(1), torch.arange(length)[None])
        torch.testing.assert_close(found.frequencies(length), _inverse(rotary), rtol=2e-5, atol=0)
    assert found.amplitude == pytest.approx(rotary.attention_scaling, rel=1e-12)


def test_the_types_of_layers_are_those_of_transformers() -> None:
    config, _ = CONFIGS["Gemma 3 4B"]
    text = dict(config["text_config"])
    rotary = Gemma3RotaryEmbedding(Gemma3TextConfig.from_dict(json.loads(json.dumps(text))))
    for each in declared_rotations(text):
        torch.testing.assert_close(
            each.frequencies(1), _inverse(rotary, each.layers), rtol=2e-5, atol=0
        )


def test_a_saved_configuration_declares_what_the_one_that_was_loaded_does() -> None:
    loaded = GPTNeoXConfig(
        rotary_pct=0.5, rotary_emb_base=20000, hidden_size=512, num_attention_heads=8
    )
    (found,) = declared_rotations(loaded.to_dict())
    assert (found.rotary_dim, found.keys["rope_parameters.rope_theta"]) == (32, 20000)
    expected = _inverse(GPTNeoXRotaryEmbedding(loaded))
    torch.testing.assert_close(found.frequencies(1), expected, rtol=2e-5, atol=0)


UNCLEAR = [
    (
        {"rope_theta": 1e4, "rope_scaling": {"type": "fancy", "factor": 2.0}},
        "'fancy', which we do not know",
    ),
    ({"rope_theta": 1e4, "rope_scaling": {"factor": 2.0}}, "no type says what it scales"),
    ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "a rotation without a theta"),
    ({"rope_theta": 1e4, "partial_rotary_factor": 0.33}, "rotary_dim is 21"),
    ({"rope_theta": -1.0}, "theta is -1.0; it must be positive"),
    (
        {"rope_theta": 1e4, "rope_scaling": LLAMA3 | {"low_freq_factor": None}},
        "llama3 without low_freq_factor",
    ),
    (
        {
            "rope_theta": 1e4,
            "rope_scaling": {"type": "longrope", "short_factor": SHORT, "long_factor": LONG},
        },
        "48 factors",
    ),
    (
        {
            "rope_parameters": {"type": "linear", "factor": 2.0},
            "rope_scaling": {"type": "linear", "factor": 4.0},
        },
        "factor is 2.0 in rope_parameters and 4.0 in rope_scaling",
    ),
    (
        {
            "_class_name": "CogView4Transformer2DModel",
            "attention_head_dim": 128,
            "rope_theta": 1e4,
            "rope_axes_dim": [256, 256],
        },
        "how CogView4Transformer2DModel shares a head out to its axes is not known",
    ),
    (
        {"_class_name": "HeliosTransformer3DModel", "attention_head_dim": 128, "rope_theta": 1e4},
        "how HeliosTransformer3DModel shares a head out to its axes",
    ),
    (
        {"sequence_len": 1024, "n_head": 6, "n_kv_head": 6, "n_embd": 768},
        "nanochat keeps its theta in its code",
    ),
    (
        {"model_type": "qwen", "rotary_emb_base": 1e4, "use_dynamic_ntk": True},
        "theta grows with the length by a rule of Qwen's own code",
    ),
    (
        {"model_type": "apertus", "rope_theta": 1e4},
        "rope_theta without the scaling that its architecture has",
    ),
]


@pytest.mark.parametrize(("config", "why"), UNCLEAR, ids=[why for _, why in UNCLEAR])
def test_what_is_unclear_is_said_and_never_guessed(config: dict[str, Any], why: str) -> None:
    sizes = {"hidden_size": 512, "num_attention_heads": 8, "max_position_embeddings": 4096}
    (found,) = declared_rotations(sizes | config)
    assert found.schedule is None
    assert why in found.obstacle
    with pytest.raises(ValueError, match=r"\w"):
        found.frequencies(1)


ODD = [
    None,
    0,
    -1,
    3,
    1e400,
    1e300,
    True,
    "yarn",
    "",
    [],
    [None],
    ["a"],
    {},
    {"a": 1},
    {"full_attention": {"rope_theta": 1}},
]
"""What no key means: a rotation is then unknown, or the key is passed over."""


@pytest.mark.parametrize(
    "name",
    [
        "Gemma 4",
        "Olmo 3 7B",
        "Phi-4 mini",
        "DeepSeek-V3, in Megatron",
        "gpt-oss with a factor of attention, in GGUF",
    ],
)
def test_no_value_of_a_key_breaks_the_reading(name: str) -> None:
    config, _ = CONFIGS[name]
    config = config.get("text_config", config)
    outer = {
        *config,
        "rope_scaling",
        "rope_parameters",
        "layer_types",
        "per_layer_config",
        "rope_ratio",
    }
    configs = [config | {key: odd} for key in outer for odd in ODD]
    inner = config.get("rope_scaling", {})
    configs += [config | {"rope_scaling": inner | {key: odd}} for key in inner for odd in ODD]
    for changed in configs:
        for declared in declared_rotations(changed):
            assert (declared.schedule is None) == bool(declared.obstacle)
            if declared.schedule is not None:
                assert bool(declared.frequencies(1).isfinite().all())
                assert math.isfinite(declared.amplitude)


def test_sizes_that_are_missing_are_unclear_too() -> None:
    (found,) = declared_rotations({"rope_theta": 1e4})
    assert found.obstacle == "neither head_dim nor hidden_size and the number of heads"


def test_keys_have_their_paths_and_defaults_are_told_apart() -> None:
    config, _ = CONFIGS["Gemma 3 4B"]
    full, sliding = declared_rotations(config)
    assert full.keys["text_config.rope_scaling.factor"] == 8.0
    assert (full.defaults["theta"], sliding.defaults["theta"]) == (1e6, 1e4)
    assert "theta" not in declared_rotations(CONFIGS["Llama 3.1 8B"][0])[0].defaults


def test_sections_and_layers_that_stand_still_are_kept() -> None:
    def first(name: str) -> DeclaredRotation:
        return declared_rotations(CONFIGS[name][0])[0]

    assert first("Qwen2-VL 7B").sections == (16, 24, 24)
    assert first("Qwen3-VL 8B").sections == (24, 20, 20)
    assert first("Llama 4 Scout").still_layers == tuple(range(3, 48, 4))
    assert first("Llama 3.1 8B").still_layers == ()


def test_the_page_names_every_key() -> None:
    page = (Path(__file__).parents[2] / "docs" / "config-keys.md").read_text()
    names = {name for keys in (KEYS, INNER_KEYS) for names in keys.values() for name in names}
    names |= {*MAPPINGS, *LOCAL_THETAS, *TENSORS.values()}
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_a_file_or_a_folder_is_read(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('\ufeff{"rope_theta": 10000.0}')
    assert declared_file(file) == declared_file(tmp_path) == {"rope_theta": 10000.0}


@pytest.mark.parametrize(
    ("contents", "why"),
    [(None, "cannot read"), ("[1]", "it is list, not an object"), ("{", "is no JSON")],
)
def test_what_is_no_configuration_is_refused(
    tmp_path: Path, contents: str | None, why: str
) -> None:
    file = tmp_path / "config.json"
    if contents is not None:
        file.write_text(contents)
    with pytest.raises(RequestError, match=why):
        declared_file(file)
