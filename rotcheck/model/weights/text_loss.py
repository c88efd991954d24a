"""The loss of each token of a text, by what a model says of it."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, functional

from rotcheck.model.weights.text_windows import TextWindows

MOST_LOGITS = 1 << 26  # that are held at a time


class NoLogits(ValueError):
    """A model that does not say how likely each token is; the message says what came back."""


class TextModel:
    """A model that is asked for the logits of each token.

    Args:
        module: with its weights.

    Raises:
        NoLogits: it does not give any.

    Attributes:
        vocabulary: how many tokens it knows.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        ids = torch.zeros(1, 2, dtype=torch.int64, device=self.device)
        self.vocabulary: int = self.logits(ids).shape[-1]

    def arguments(self, ids: Tensor) -> dict[str, Any]:
        """What the model is called with, for token ids (B, S)."""
        parameters = inspect.signature(self.module.forward).parameters
        names = list(parameters)
        arguments: dict[str, Any] = {"input_ids" if "input_ids" in names else names[0]: ids}
        if "use_cache" in names:
            arguments["use_cache"] = False
        if "start_pos" in names:  # as Meta's models have it
            arguments["start_pos"] = 0
        return arguments

    def logits(self, ids: Tensor) -> Tensor:
        """The logits (B, S, V) for token ids (B, S). Raises NoLogits."""
        arguments = self.arguments(ids)
        result = _logits(self.module(**arguments), ids)
        if result is None and "targets" in inspect.signature(self.module.forward).parameters:
            result = _logits(self.module(**arguments, targets=ids), ids)
        if result is None:
            raise NoLogits("the model returns no logits (B, S, V), one row for each token")
        return result

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.module.parameters()).device

    def is_causal(self, ids: Tensor) -> bool:
        """Whether what it says of a token does not depend on those behind it."""
        changed_ids = ids.clone()  # (B, S)
        changed_ids[:, -1] = ids[:, 0]
        before = [self.logits(x)[:, :-1].float() for x in (ids, changed_ids)]
        return bool((before[0] - before[1]).abs().max() < 1e-3 * before[0].abs().max())

    def losses(self, windows: TextWindows) -> Tensor:
        """The loss of each token that is predicted, (N,), in nats and in float64."""
        size = max(1, MOST_LOGITS // (self.vocabulary * windows.ids.shape[1]))
        losses = []
        for inputs, places, targets in windows.batches(size, self.device):
            logits = self.logits(inputs)[places].float()  # (N, V)
            losses.append(functional.cross_entropy(logits, targets, reduction="none"))
        result = torch.cat(losses).double().cpu()  # (N,)
        if not bool(result.isfinite().all()):
            raise NoLogits("the model returns logits that are NaN or infinite")
        return result


def _logits(result: Any, ids: Tensor) -> Tensor | None:
    """The logits in what a model returned."""
    if hasattr(result, "logits"):
        result = result.logits
    if isinstance(result, Mapping):
        result = list(result.values())
    if isinstance(result, tuple | list):
        return next((x for part in result if (x := _logits(part, ids)) is not None), None)
    if not isinstance(result, Tensor) or result.dim() != 3 or result.shape[:2] != ids.shape:
        return None
    return result if result.shape[2] > int(ids.max()) else None
