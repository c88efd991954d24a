"""Which pair turns with which axis in models of transformers, beside what their configurations
declare; and what is said where that cannot be seen."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from planted.axis_models import BLOCKS, IN_BLOCKS, AxisAttention
from planted.shell import WIDTH, WORDS, Decoder, tokens
from torch import Tensor, nn
from transformers import (
    Qwen2VLTextConfig,
    Qwen2VLTextModel,
    Qwen3VLTextConfig,
    Qwen3VLTextModel,
)
from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLVisionConfig
from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VisionTransformerPretrainedModel

from rotcheck.model.axis_rows import AxisWitness
from rotcheck.model.build.config_json import config_of_module
from rotcheck.model.declared.declared_rotation import declared_rotations
from rotcheck.model.declared_rows import declared_rows, schedules_of
from rotcheck.model.forward_pass import run_forward
from rotcheck.model.model_rows import ModelObservation
from rotcheck.results import DeclaredRow

TEXT: dict[str, Any] = {
    "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 32, "vocab_size": WORDS, "max_position_embeddings": 4096,
}  # fmt: skip
GRID = torch.tensor([[1, 4, 6], [1, 4, 6]])


def rows(
    module: nn.Module, inputs: Mapping[str, Any], config: Mapping[str, Any] | None = None
) -> dict[str, DeclaredRow]:
    """What is declared beside what is done, by the layers and what it is about."""
    config = config or config_of_module(module) or {}
    forward = run_forward(module.eval(), inputs)
    declared = declared_rotations(config)
    observation = ModelObservation(forward, config, schedules_of(declared, forward.length))
    axes = AxisWitness(module, inputs, config)
    return {row.layers: row for row in declared_rows(observation, declared, config, axes)}


def qwen2(**rope: Any) -> Qwen2VLTextModel:
    torch.manual_seed(0)
    parameters = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [4, 6, 6], **rope}
    return Qwen2VLTextModel(Qwen2VLTextConfig(**TEXT, rope_parameters=parameters))


def qwen3(**rope: Any) -> Qwen3VLTextModel:
    torch.manual_seed(0)
    parameters = {"rope_type": "default", "rope_theta": 5e5, "mrope_section": [6, 5, 5], **rope}
    return Qwen3VLTextModel(Qwen3VLTextConfig(**TEXT, rope_parameters=parameters))


def tower() -> nn.Module:
    torch.manual_seed(0)
    config = Qwen2VLVisionConfig(depth=1, embed_dim=64, num_heads=2, hidden_size=64, patch_size=4)
    return Qwen2VisionTransformerPretrainedModel(config)


def patches() -> dict[str, Tensor]:
    return {"hidden_states": torch.randn(48, 3 * 2 * 4 * 4), "grid_thw": GRID}


def test_sections_of_models_of_transformers_are_seen() -> None:
    in_blocks, interleaved = rows(qwen2(), tokens()), rows(qwen3(), tokens())
    assert [row.verdict for row in in_blocks.values()] == ["agrees", "agrees"]
    assert [row.verdict for row in interleaved.values()] == ["agrees", "agrees"]
    assert in_blocks["axes"].done == "time 4, height 6, width 6 pairs, one after another"
    assert interleaved["axes"].done == "time 6, height 5, width 5 pairs, interleaved"


def test_an_image_in_the_text_does_not_hide_the_sections() -> None:
    positions = torch.randint(40, (3, 2, 20))
    seen = rows(qwen2(), tokens() | {"position_ids": positions})
    assert [row.verdict for row in seen.values()] == ["agrees", "agrees"]


def test_sections_that_are_not_those_of_the_configuration_are_named() -> None:
    model = qwen2()
    config = config_of_module(model)
    model.rotary_emb.mrope_section = [6, 4, 6]
    seen = rows(model, tokens(), config)
    assert seen[""].verdict == "agrees"
    assert seen["axes"].verdict == "disagrees"
    words = "pair 4 turns with time, where height is declared: rope_parameters.mrope_section is (4, 6, 6)"
    assert words in (seen["axes"].message or "")
    assert "it is taken in the order (6, 4, 6)" in (seen["axes"].message or "")


def test_an_interleaved_model_whose_configuration_says_that_it_is_not_is_named() -> None:
    seen = rows(qwen3(mrope_interleaved=False), tokens())
    assert "its pairs are interleaved, where they stand one after another" in (
        seen["axes"].message or ""
    )
    read_as_blocks = rows(qwen2(mrope_interleaved=True), tokens())
    assert "taken one after another, where they are interleaved" in (
        read_as_blocks["axes"].message or ""
    )


def test_the_axes_of_a_tower_are_seen_in_its_grid() -> None:
    seen = rows(tower(), patches())
    assert {name: row.verdict for name, row in seen.items()} == {"": "agrees", "axes": "agrees"}
    assert seen["axes"].done == "height 8, width 8 pairs, one after another"


def test_a_tower_with_another_theta_is_named() -> None:
    model = tower()
    config = dict(config_of_module(model) or {})
    config["rope_parameters"] = {"rope_type": "axial", "rope_theta": 100.0}
    seen = rows(model, patches(), config)
    assert "rope_theta is ignored: it is 10,000" in (seen[""].message or "")
    assert seen["axes"].verdict == "agrees"


class WithoutPositions(nn.Module):
    """A decoder that takes tokens only."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = Decoder([AxisAttention(IN_BLOCKS)])

    def forward(self, input_ids: Tensor) -> Tensor:
        y: Tensor = self.decoder(input_ids)
        return y


class TwoPositions(Decoder):
    """A decoder whose tables end at position 64."""

    def forward(self, input_ids: Tensor, position_ids: Tensor | None = None) -> Tensor:
        if position_ids is not None:
            torch.zeros(64, WIDTH)[position_ids]
        return super().forward(input_ids, position_ids)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (WithoutPositions(), "its forward takes no position_ids"),
        (TwoPositions([AxisAttention(IN_BLOCKS)]), "it raises with positions for 3 axes"),
    ],
)
def test_where_positions_cannot_differ_the_row_says_why(model: nn.Module, why: str) -> None:
    seen = rows(model, tokens(), BLOCKS)
    assert seen[""].verdict == "agrees"
    assert seen["axes"].verdict == "skipped"
    assert why in (seen["axes"].message or "")


def test_sections_that_are_not_as_many_as_turn_are_not_compared() -> None:
    config = BLOCKS | {"rope_scaling": {"rope_type": "default", "mrope_section": [2, 2, 2]}}
    row = rows(Decoder([AxisAttention(IN_BLOCKS)]), tokens(), config)["axes"]
    assert (row.verdict, row.message) == ("skipped", "6 pairs in sections, of 16 lanes")
