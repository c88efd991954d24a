"""A SPEC becomes a small model that runs, and its rotary part stays what it was."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from rotcheck.errors import RequestError
from rotcheck.model.build import diffusers_models, film_calls, rotary_keys
from rotcheck.model.build.build_error import BuildError
from rotcheck.model.build.built_model import BuiltModel, build
from rotcheck.model.build.layer_choice import layer_lists, layers_to_keep
from rotcheck.model.build.plain_config import plain
from rotcheck.model.build.small_sizes import small_sizes
from rotcheck.model.build.special_tokens import small_tokens, token_ids

QWEN = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 3584,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "num_hidden_layers": 28,
    "intermediate_size": 18944,
    "vocab_size": 152064,
    "max_position_embeddings": 32768,
    "rope_theta": 1000000.0,
    "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768},
    "bos_token_id": 151643,
    "eos_token_id": 151645,
    "torch_dtype": "bfloat16",
}


def _folder(tmp_path: Path, config: dict[str, Any]) -> str:
    (tmp_path / "config.json").write_text(json.dumps(config))
    return str(tmp_path)


def _factory(tmp_path: Path, text: str) -> str:
    (tmp_path / "model_of_mine.py").write_text(f"import torch\nfrom torch import nn\n{text}")
    return f"{tmp_path}/model_of_mine.py:make"


def _runs(model: BuiltModel) -> Any:
    with torch.no_grad():
        return model.module(**model.inputs)


def test_a_config_of_a_checkpoint_becomes_small_and_rotates_as_declared(tmp_path: Path) -> None:
    model = build(_folder(tmp_path, QWEN))
    module: Any = model.module
    rotary = module.model.rotary_emb
    attention = module.model.layers[0].self_attn
    assert model.name == "Qwen2ForCausalLM"
    assert attention.head_dim == 3584 // 28
    assert (rotary.rope_type, rotary.config.rope_parameters["rope_theta"]) == ("yarn", 1e6)
    assert rotary.inv_freq.shape == (64,)
    assert module.config.max_position_embeddings == 32768
    assert model.config == QWEN
    assert sum(weights.numel() for weights in module.parameters()) < 10_000_000
    assert {weights.dtype for weights in module.parameters()} == {torch.float32}
    assert not module.training
    assert "num_hidden_layers 28 -> 2" in model.changes
    assert _runs(model).logits.shape == (2, 19, 512)


def test_a_model_of_transformers_is_made_in_half_precision_and_its_frequencies_are_not(
    tmp_path: Path,
) -> None:
    module: Any = build(_folder(tmp_path, QWEN), torch.bfloat16).module
    assert {weights.dtype for weights in module.parameters()} == {torch.bfloat16}
    assert module.model.rotary_emb.inv_freq.dtype == torch.float32


def test_the_frequencies_of_a_factory_are_cast_with_its_weights(tmp_path: Path) -> None:
    folder = _folder(tmp_path, QWEN)
    factory = tmp_path / "factory.py"
    factory.write_text(
        "from rotcheck.model.build.built_model import build\n"
        f"def make():\n    return build({folder!r}).module\n"
    )
    module: Any = build(f"{factory}:make", torch.bfloat16).module
    assert module.model.rotary_emb.inv_freq.dtype == torch.bfloat16


def test_two_builds_have_the_same_weights_and_inputs(tmp_path: Path) -> None:
    one, other = build(_folder(tmp_path, QWEN)), build(_folder(tmp_path, QWEN))
    assert torch.equal(one.inputs["input_ids"], other.inputs["input_ids"])
    assert torch.equal(_runs(one).logits, _runs(other).logits)


def test_each_layer_type_is_kept_in_its_order() -> None:
    module: Any = build("transformers:Gemma3ForCausalLM").module
    types = module.config.layer_types
    assert types == ["sliding_attention", "full_attention"]
    thetas = {kind: module.config.rope_parameters[kind]["rope_theta"] for kind in types}
    assert thetas == {"sliding_attention": 10_000.0, "full_attention": 1_000_000.0}
    assert [layer.self_attn.layer_type for layer in module.model.layers] == types


def test_the_parts_of_a_multimodal_model_fit_together() -> None:
    model = build("transformers:qwen2_5_vl")
    config: Any = model.module.config
    text, vision = config.text_config, config.vision_config
    assert vision.hidden_size // vision.num_heads == 3584 // 16
    assert text.hidden_size // text.num_attention_heads == 8192 // 64
    _runs(model)


def test_layers_are_chosen_by_what_all_lists_say_of_them() -> None:
    config = {
        "layer_types": ["full", "full", "sliding", "full", "sliding", "full"],
        "no_rope_layers": [1, 1, 1, 0, 1, 1],
        "mlp_only_layers": [4],
        "per_layer_config": {"5": {"head_dim": 8}},
    }
    kept = layers_to_keep(config, 6)
    assert kept == [0, 2, 3, 4, 5]
    assert layer_lists(config, 6, kept) == {
        "layer_types": ["full", "sliding", "full", "sliding", "full"],
        "no_rope_layers": [1, 1, 0, 1, 1],
        "mlp_only_layers": [3],
        "per_layer_config": {"4": {"head_dim": 8}},
    }


def test_layers_that_repeat_by_a_number_are_kept_for_one_period() -> None:
    assert layers_to_keep({"attn_layer_period": 4}, 12) == [0, 1, 2, 3]
    assert layers_to_keep({}, 12) == [0, 1]


def test_widths_keep_the_size_of_a_head_and_agree_over_the_parts() -> None:
    config = {
        "text_config": {"hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8},
        "vision_config": {
            "embed_dim": 1280,
            "num_heads": 16,
            "out_hidden_size": 4096,
            "merged_size": 3,
        },
    }
    assert small_sizes(config, heads=6) == {
        "text_config": {"hidden_size": 768, "num_attention_heads": 6, "num_key_value_heads": 3},
        "vision_config": {"embed_dim": 480, "num_heads": 6, "out_hidden_size": 768},
    }


def test_heads_that_divide_no_width_keep_their_size() -> None:
    config = {"hidden_size": 4096, "num_attention_heads": 96}  # GLM 4's default: of 42 lanes
    assert small_sizes(config, heads=6) == {"hidden_size": 252, "num_attention_heads": 6}
    beside = {"hidden_size": 5120, "num_attention_heads": 40, "face_encoder_num_heads": 4}
    assert small_sizes(beside, heads=6) == {"hidden_size": 768, "num_attention_heads": 6}
    apart = config | {"head_dim": 128}
    assert small_sizes(apart, heads=6) == {"hidden_size": 192}
    assert rotary_keys.differences(config, {"hidden_size": 252, "num_attention_heads": 96}) == [
        "hidden_size / num_attention_heads 42 -> 2"
    ]


def test_a_change_of_what_rotates_is_noticed() -> None:
    before = {"rope_parameters": {"rope_theta": 5e5}, "hidden_size": 64, "num_attention_heads": 4}
    assert rotary_keys.differences(before, {**before, "vocab_size": 5}) == []
    assert rotary_keys.differences(before, {**before, "num_attention_heads": 2}) == [
        "hidden_size / num_attention_heads 16 -> 32"
    ]
    assert rotary_keys.differences(before, {**before, "rope_parameters": {"rope_theta": 1e4}}) != []


def test_tokens_get_ids_inside_the_vocabulary_and_random_ids_are_none_of_them(
    tmp_path: Path,
) -> None:
    config = {
        "bos_token_id": 1,
        "image_token_id": 151655,
        "text_config": {"eos_token_id": [151655, 900]},
    }
    assert small_tokens(config) == {
        "image_token_id": 510,
        "text_config": {"eos_token_id": [510, 511]},
    }
    model = build(_folder(tmp_path, QWEN))
    small: Any = model.module.config
    special = token_ids(plain(small.to_dict()))
    assert max(special) < 512
    assert special.isdisjoint(model.inputs["input_ids"].flatten().tolist())


def test_an_unknown_architecture_is_answered_with_near_ones() -> None:
    with pytest.raises(RequestError, match=r"no model 'lama'; near it are.*llama"):
        build("transformers:lama")


def test_a_config_that_cannot_be_built_says_why(tmp_path: Path) -> None:
    broken = {**QWEN, "hidden_act": "no_such_activation"}
    with pytest.raises(BuildError, match="no_such_activation"):
        build(_folder(tmp_path, broken))
    with pytest.raises(RequestError, match="knows no model type 'nobody'"):
        build(_folder(tmp_path, {"model_type": "nobody"}))
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RequestError, match="cannot be read as JSON"):
        build(str(tmp_path))


def test_a_factory_makes_a_model_and_its_inputs(tmp_path: Path) -> None:
    source = _factory(
        tmp_path, "def make(): return nn.Bilinear(3, 4, 5), (torch.ones(2, 3), torch.ones(2, 4))"
    )
    model = build(source)
    assert (model.name, list(model.inputs), model.config) == (
        "Bilinear",
        ["input1", "input2"],
        None,
    )
    assert _runs(model).shape == (2, 5)


def test_the_inputs_of_a_factory_are_found(tmp_path: Path) -> None:
    tokens = "def make(): return nn.Sequential(nn.Embedding(11, 6), nn.Linear(6, 6))"
    model = build(_factory(tmp_path, tokens))
    assert (model.inputs["input"].dtype, model.inputs["input"].shape) == (torch.int64, (2, 19))


def test_a_model_is_handed_over_as_it_was_before_its_first_call(tmp_path: Path) -> None:
    counter = """
class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0
        self.register_buffer("total", torch.zeros(()))
    def forward(self, x):
        self.calls += 1
        self.total += 1
        return x
def make(): return Counter(), torch.ones(3)
"""
    module: Any = build(_factory(tmp_path, counter)).module
    assert (module.calls, float(module.total)) == (0, 0.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def make(): return 3", "makes no torch.nn.Module, but int"),
        ("def make(size): return nn.Linear(size, size)", "needs size"),
        ("def make(): return nn.Linear(4, 4), (torch.ones(2, 4), 1, 2)", "3 inputs"),
        ("def make(): return nn.Linear(4, 4), torch.ones(2, 5)", "with input: RuntimeError"),
        ("def make(): return nn.Bilinear(3, 4, 5)", "takes input1, input2"),
    ],
)
def test_a_factory_that_makes_no_model_is_refused_with_a_reason(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        build(_factory(tmp_path, text))


def test_a_text_that_names_no_model_is_refused() -> None:
    with pytest.raises(RequestError, match="names no model"):
        build("llama")


def test_a_transformer_of_diffusers_is_built_small() -> None:
    model = build("diffusers:FluxTransformer2DModel")
    config: Any = model.module.config
    assert (config.num_attention_heads, config.attention_head_dim) == (6, 128)
    assert list(config.axes_dims_rope) == [16, 56, 56]
    assert model.inputs["img_ids"].shape == (24, 3)
    _runs(model)
    with pytest.raises(RequestError, match="no model 'FluxTransformer'; near it are"):
        build("diffusers:FluxTransformer")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("MiniMaxMusic3Transformer1DModel", "num_layers 36 -> 2"),
        ("StableAudioDiTModel", "num_layers 24 -> 2"),
        ("LuminaNextDiT2DModel", "num_kv_heads None -> 8"),
        ("OmniGenTransformer2DModel", "rope_scaling: 0 entries -> 3"),
    ],
)
def test_a_transformer_of_diffusers_whose_inputs_depend_on_each_other_runs(
    name: str, changes: str
) -> None:
    model = build(f"diffusers:{name}")
    assert changes in model.changes
    _runs(model)


def test_a_transformer_of_diffusers_with_an_unknown_input_is_not_tried() -> None:
    with pytest.raises(BuildError, match="no value is known for its condition_latents, kv_cache"):
        build("diffusers:WanAnimate2Transformer3DModel")


def test_the_message_names_the_first_reasons_only(tmp_path: Path) -> None:
    refusing = """
class Refusing(nn.Module):
    calls = 0
    def __init__(self):
        super().__init__()
        self.table, self.layer, self.image = nn.Embedding(3, 4), nn.Linear(4, 4), nn.Conv2d(3, 4, 2)
    def forward(self, x):
        Refusing.calls += 1
        raise ValueError(f"no {Refusing.calls}")
def make(): return Refusing()
"""
    with pytest.raises(BuildError) as caught:
        build(_factory(tmp_path, refusing))
    assert [text in str(caught.value) for text in ("no 1", "no 2", "no 3")] == [True, True, False]


def test_a_part_that_runs_stands_for_a_model_that_does_not(tmp_path: Path) -> None:
    broken = {
        "model_type": "qwen2_5_vl",
        "text_config": {**QWEN, "model_type": "qwen2_5_vl_text"},  # and architectures of qwen2
        "vision_config": {"model_type": "qwen2_5_vl_vision", "hidden_act": "no_such_activation"},
    }
    model = build(_folder(tmp_path, broken))
    assert model.name == "Qwen2_5_VLTextModel"
    assert "only a part, since" in model.changes[0]
    assert "no_such_activation" in model.changes[0]
    _runs(model)


def test_an_image_stands_in_the_text_of_a_multimodal_model(tmp_path: Path) -> None:
    whole = {
        "model_type": "qwen2_5_vl",
        "image_token_id": 151655,
        "text_config": {**QWEN, "model_type": "qwen2_5_vl_text"},
        "vision_config": {
            "model_type": "qwen2_5_vl_vision", "depth": 32, "hidden_size": 1280, "num_heads": 16,
            "out_hidden_size": 3584, "fullatt_block_indexes": [7, 15, 23, 31], "intermediate_size": 3420,
        },
    }  # fmt: skip
    model = build(_folder(tmp_path, whole))
    module: Any = model.module
    images = int(model.inputs["image_grid_thw"].prod(-1).sum()) // 4
    assert int((model.inputs["input_ids"] == module.config.image_token_id).sum()) == images == 12
    assert list(module.config.vision_config.fullatt_block_indexes) == [1]
    _runs(model)


REMOTE = {"auto_map": {"AutoModelForCausalLM": "modeling_mine.MineForCausalLM"}}
CODE_THAT_RAISES = "raise AssertionError('this code was run')"


def test_code_of_a_folder_is_named_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "modeling_mine.py").write_text(CODE_THAT_RAISES)
    folder = _folder(tmp_path, {"model_type": "mine", **REMOTE})
    with pytest.raises(
        RequestError, match=r"no model type 'mine'; .* modeling_mine\.py, .* not run"
    ):
        build(folder)


def test_where_transformers_has_the_model_its_own_class_stands_in_for_code_of_a_folder(
    tmp_path: Path,
) -> None:
    (tmp_path / "modeling_mine.py").write_text(CODE_THAT_RAISES)
    model = build(_folder(tmp_path, {**QWEN, **REMOTE}))
    assert model.name == "Qwen2ForCausalLM"
    assert "not of modeling_mine.py" in model.changes[0]


def test_kinds_of_layers_that_repeat_are_all_kept() -> None:
    kinds = ["recurrent", "recurrent", "attention"]
    assert layers_to_keep({"block_types": kinds}, 26) == [0, 1, 2]
    module: Any = build("transformers:recurrent_gemma").module
    assert module.config.block_types == kinds
    assert len(module.model.layers) == 3


@pytest.mark.parametrize("library", ["transformers", "diffusers", "timm"])
def test_a_library_that_is_not_installed_is_named(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(RequestError, match=f"not installed: pip install {library}"):
        build(f"{library}:llama")


def test_a_config_needs_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(RequestError, match="not installed: pip install transformers"):
        build(str(tmp_path))


def test_only_what_hides_a_rotation_gets_values_in_the_place_of_zeros() -> None:
    parts = {
        "conv": torch.nn.Conv1d(4, 4, 3),
        "gate": torch.nn.Linear(4, 4),
        "frequencies": torch.nn.ParameterDict({"frequencies": torch.nn.Parameter(torch.zeros(4))}),
    }
    module = torch.nn.ModuleDict(parts)
    for values in module.parameters():
        torch.nn.init.zeros_(values)
    diffusers_models._turn(module)
    names = {name for name, values in module.named_parameters() if bool(values.any())}
    assert names == {"conv.weight", "frequencies.frequencies"}


def test_allegro_is_handed_the_tables_of_each_axis_and_the_places_of_its_patches() -> None:
    scales = {
        "interpolation_scale_t": 2.2,
        "interpolation_scale_h": 2.0,
        "interpolation_scale_w": 2.0,
    }
    sizes = {"attention_head_dim": 96, "in_channels": 4, "patch_size": 2, "caption_channels": 8}
    call = film_calls.CALLS["AllegroTransformer3DModel"]({**sizes, **scales})
    tables, places = call["image_rotary_emb"]
    assert [cos.shape for cos, _ in tables] == [(size, 32) for size in (3, 4, 6)]
    assert torch.stack(places)[:, 0, -1].tolist() == [2, 3, 5]
    cos, sin = tables[0]
    assert float(torch.atan2(sin[1, 0], cos[1, 0])) == pytest.approx(1 / 2.2)
