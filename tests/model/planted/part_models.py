"""A model of two parts, each with a configuration of its own, by names that tell nothing of it."""

from types import SimpleNamespace
from typing import Any

from torch import nn

from planted.config_models import PLAIN, Attention
from planted.shell import D, Decoder, PlantedModel, inverse_frequencies

THETAS = {"patcher": 10000.0, "global": 500000.0}
SIZES = {key: PLAIN[key] for key in ("num_attention_heads", "hidden_size", "head_dim")}
CONFIG: dict[str, Any] = {
    "model_type": "of_parts", "rope_theta": 500000.0,
    **{
        f"{name}_config": {"model_type": f"of_parts_{name}", "rope_theta": theta, **SIZES}
        for name, theta in THETAS.items()
    },
}  # fmt: skip


class PartOfConfig(SimpleNamespace):
    """A configuration that gives itself as plain data."""

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def of_parts(**thetas: float) -> Decoder:
    """A decoder of two layers, with their theta, that hold the parts of its configuration."""
    layers = nn.ModuleDict(
        {name: Attention(inverse_frequencies(D, thetas[name])) for name in THETAS}
    )
    parts = {f"{name}_config": PartOfConfig(**CONFIG[f"{name}_config"]) for name in THETAS}
    for name, layer in layers.items():
        layer.config = PartOfConfig(**CONFIG[f"{name}_config"])  # a copy
    model = Decoder([*layers.values()])
    model.config = PartOfConfig(**parts)
    return model


WHOLE = PLAIN | {"patcher_config": CONFIG["patcher_config"]}


def of_whole() -> Decoder:
    """A decoder whose layers hold the whole configuration; its other part is not called."""
    layer = Attention(inverse_frequencies(D, 500000.0))
    model = Decoder([layer])
    part = PartOfConfig(**CONFIG["patcher_config"])
    model.config = layer.config = PartOfConfig(**PLAIN, patcher_config=part)
    return model


MODELS = [
    PlantedModel("a part that is not called", of_whole, config=WHOLE),
    PlantedModel("each part by its own theta", lambda: of_parts(**THETAS), config=CONFIG),
    PlantedModel(
        "the theta of the other part",
        lambda: of_parts(**{"patcher": 500000.0, "global": 10000.0}),
        "config",
        "patcher_config.rope_theta is ignored: it is 500,000",
        config=CONFIG,
    ),
]  # fmt: skip
