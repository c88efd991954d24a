"""Which rotation fits the weights of a model: the one that runs, or another one?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from rotcheck.model.declared.config_settings import config_settings
from rotcheck.model.declared.declared_rotation import declared_rotations
from rotcheck.model.forward_pass import run_forward
from rotcheck.model.weights.loss_difference import noise_of
from rotcheck.model.weights.rotation_changes import rotation_changes
from rotcheck.model.weights.substitutes import substitutes_of
from rotcheck.model.weights.text_loss import NoLogits, TextModel
from rotcheck.model.weights.text_tokens import text_tokens
from rotcheck.model.weights.text_windows import TextWindows, text_windows
from rotcheck.model.weights.turned_call import NoTurn, TurnedTensor, turned_calls
from rotcheck.model.weights.weights_verdict import ChangeLosses, WeightsLosses, weights_verdict
from rotcheck.results.model import WeightsFit

WINDOW = 512
MOST = 4096
ROUNDING = 1e-2  # nats: what the same rotation in other arithmetic may change of a token's loss


def judge_weights(
    module: Module,
    text: str,
    config: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    window: int = WINDOW,
    most: int = MOST,
) -> WeightsFit:
    """Find out which rotation fits the weights, by the loss of a text.

    The model runs as it is, and with one thing about its rotation changed at a time. It is put in
    eval mode for that, and comes back as it was.

    Args:
        module: with its weights, on its device.
        text: any; best one like those that the weights were trained on.
        config: what the model declares, as plain data; None: nothing.
        folder: where its tokenizer is; None: there is none.
        window: tokens that the model sees at a time, at most.
        most: tokens of the text that are used, at most.

    Raises:
        RequestError: the text cannot be written in the model's tokens, or is too short.
    """
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            model = TextModel(module)
            tokens = text_tokens(text, folder, model.vocabulary)
            width = min(window, _longest(config) or window)
            return _fit(model, text_windows(tokens, width, most), config)
    except (NoTurn, NoLogits) as error:
        return WeightsFit(verdict="unidentified", message=str(error))
    finally:
        module.train(training)


def _longest(config: Mapping[str, Any] | None) -> int | None:
    """The longest sequence that a configuration declares."""
    lengths = [settings.number("longest") for settings in config_settings(config or {})]
    return min((int(length) for length in lengths if length), default=None)


def _fit(model: TextModel, windows: TextWindows, config: Mapping[str, Any] | None) -> WeightsFit:
    first = windows.ids[:1].to(model.device)  # (1, S)
    if model.is_causal(first):
        windows = replace(windows, mask=None)
    elif windows.mask is None:
        raise NoLogits("the model sees the tokens that it is to predict, and no token is a mask")
    declarations = declared_rotations(config or {})
    schedules = [rotation.schedule for rotation in declarations if rotation.schedule]
    calls = turned_calls(run_forward(model.module, model.arguments(first)), config, schedules)
    substitutes = substitutes_of(calls, model.module, lambda: model.logits(first))
    tensors = [tensor for call in calls for tensor in call.tensors]
    losses = model.losses(windows)  # (N,)
    with substitutes.change(lambda tensor: tensor.turn):
        _check_same(losses, model.losses(windows))
    changes = []
    for change in rotation_changes(tensors, declarations):
        with substitutes.change(change.change):
            changes.append(ChangeLosses(change, model.losses(windows)))
    result = WeightsLosses(losses, changes, windows.guess)
    rows = result.rows()
    return WeightsFit(
        runs=_words(tensors),
        windows=windows.ids.shape[0],
        window=windows.ids.shape[1],
        loss=result.loss,
        noise=noise_of(losses),
        rows=rows,
        **weights_verdict(result, rows),
    )


def _check_same(losses: Tensor, again: Tensor) -> None:
    """Raise NoTurn if the same rotation, computed here, gives another loss."""
    off = abs(float((again - losses).mean()))
    if not off < ROUNDING:
        words = "what was read of the rotation does not give the model's own loss again"
        raise NoTurn(f"{words}: it is {off:.2g} nats off")


def _words(tensors: Sequence[TurnedTensor]) -> str:
    """What runs, in words."""
    words = (
        f"{tensor.judgement.words}, {tensor.schedule or 'no known schedule'}" for tensor in tensors
    )
    return "; ".join(dict.fromkeys(words))
