"""A vision model of timm is built small, and its rotary code is witnessed and right."""

import importlib.util
import sys
from collections.abc import Iterator
from unittest.mock import MagicMock

import pytest
import torch

from rotcheck.errors import RequestError
from rotcheck.model.build.built_model import build
from rotcheck.model.forward_pass import run_forward
from rotcheck.model.model_rows import ModelObservation

IMAGES = (
    "torchvision", "torchvision.datasets", "torchvision.models", "torchvision.models.feature_extraction",
    "torchvision.ops", "torchvision.ops.misc", "torchvision.transforms", "torchvision.transforms.functional",
    "torchvision.utils",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def torchvision() -> Iterator[None]:
    """timm imports torchvision for images and a layer that no model here has; the tests have none,
    so something without function stands in."""
    before = dict(sys.modules)
    if importlib.util.find_spec("torchvision") is None:
        sys.modules.update({name: MagicMock() for name in IMAGES})
        misc = sys.modules["torchvision.ops.misc"]
        misc.FrozenBatchNorm2d = torch.nn.Identity  # type: ignore[attr-defined]
    yield
    for name in set(sys.modules) - set(before):
        if name.partition(".")[0] in ("timm", "torchvision"):
            del sys.modules[name]


def test_a_model_of_timm_is_built_small_with_heads_as_wide_as_they_were() -> None:
    model = build("timm:eva02_base_patch14_224")
    assert model.name == "Eva"
    sizes = ("depth 12 -> 2", "embed_dim 768 -> 256", "num_heads 12 -> 4")
    assert model.changes == (*sizes, "img_size (224, 224) -> (84, 168)")
    images = model.inputs["x"]
    assert images.shape == (2, 3, 84, 168)
    with torch.no_grad():
        assert model.module(images).isfinite().all()


def test_blocks_with_fewer_heads_of_keys_are_kept() -> None:
    model = build("timm:vit_large_patch16_sapiens2")
    assert "num_kv_heads: 24 entries -> 2" in model.changes
    heads = [block.attn.num_kv_heads for block in model.module.blocks]  # type: ignore[union-attr]
    assert heads == [4, 2]


def test_a_wrapped_encoder_is_made_small_too() -> None:
    model = build("timm:qwen3_vit_416m")
    assert "embed_dim 1152 -> 288" in model.changes
    assert model.inputs["x"].shape == (2, 3, 96, 192)


def test_the_rotation_of_a_model_of_timm_is_witnessed() -> None:
    model = build("timm:vit_tiny_patch16_dinov3_qkvb")
    observation = ModelObservation(run_forward(model.module, model.inputs), None)
    rows = list(observation.rows("cpu"))
    assert [row.verdict for row in rows if row.kind == "rotation"] == ["agrees"]
    assert not [row for row in rows if row.verdict in ("disagrees", "unidentified")]


def test_a_name_that_timm_has_not_is_answered_with_those_near_it() -> None:
    with pytest.raises(RequestError, match=r"has no model 'eva02_tiny_224'; near it are .*eva02"):
        build("timm:eva02_tiny_224")
