"""A model that is told the positions of its tokens as `input_pos`, and sets up its cache at once.

So do gpt-fast, torchtune and litgpt: the key of position p stands in row p of the cache.
"""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from rotcheck.errors import first_line
from rotcheck.model.sequences.evidence.module_copy import module_copy
from rotcheck.model.sequences.evidence.token_angles import place_turns
from rotcheck.model.sequences.evidence.token_call import LENGTH, CachedCall, TokenCall, TokenPass
from rotcheck.model.sequences.way import NotComparable, WayClosed, WaySubject

INPUT_POS = "input_pos"
_METHODS = ("setup_caches", "set_kv_cache")  # gpt-fast and torchtune; litgpt
_BATCH = ("batch_size", "max_batch_size")
_TUNE = "decoder_max_seq_len"  # torchtune, which wants a mask (B, S, L) beside the positions
_LENGTH = ("max_seq_length", _TUNE)


class PlacedCall(TokenCall):
    """Calls a model with tokens, and with their positions where its own call has them."""

    def tokens_name(self, inputs: Mapping[str, Any]) -> str:
        """The name of the argument that holds the tokens."""
        return super().tokens_name({name: x for name, x in inputs.items() if name != INPUT_POS})

    @property
    def rest(self) -> dict[str, Any]:
        """What the model is called with beside tokens and their positions."""
        return {name: x for name, x in super().rest.items() if name != INPUT_POS}

    def run(self, tokens: Tensor, **arguments: Any) -> TokenPass:
        """Call the model under the witness, at the first positions if no others are given."""
        if INPUT_POS in self.subject.inputs:
            arguments = {INPUT_POS: self.positions(0, tokens.shape[1]), **arguments}
        return super().run(tokens, **arguments)

    def positions(self, start: int, end: int) -> Tensor:
        """Positions from `start` to `end`, (S,)."""
        return torch.arange(start, end, device=self.subject.device)


class StaticCacheCall(CachedCall):
    """Calls a copy of a model, whose cache has been set up, with the tokens that follow those of
    the calls before.

    Args:
        subject: the model.
        batch: rows of the cache; None: those that the model is called with.

    Raises:
        WayClosed: it sets up no cache in a way that is known.
    """

    def __init__(self, subject: WaySubject, batch: int | None = None) -> None:
        module = module_copy(subject.module)
        self.placed = PlacedCall(subject, module)
        self.call, self.start = self.placed, 0
        self.batch = batch or len(subject.inputs[self.call.tokens])
        self.takes_mask = _TUNE in _set_up(module, self.batch, subject)

    def run(self, tokens: Tensor, **arguments: Any) -> TokenPass:
        """Call the model with tokens (B, S) that follow, where no positions are given at the next
        ones."""
        end = self.start + tokens.shape[1]
        defaults = {INPUT_POS: self.placed.positions(self.start, end)}
        if self.takes_mask:
            rows = torch.ones(LENGTH, LENGTH, dtype=torch.bool, device=tokens.device).tril()
            defaults["mask"] = rows[self.start : end].expand(len(tokens), -1, -1)
        step = self.call.attempt(tokens, **{**defaults, **arguments})
        self._refuse_rows(step, tokens.shape[1])
        self.start = end
        return step

    def _refuse_rows(self, step: TokenPass, length: int) -> None:
        """Refuse a step that turns the whole cache: its last rows are not the last tokens."""
        for place, tensor in place_turns(step.calls).items():
            axis = self.call.axes.axes.get(place)
            if axis is not None and tensor.turn.angles.shape[axis] > length * self.batch:
                words = f"{place.argument} of {place.function} is turned with the whole cache"
                raise NotComparable(words)


def takes_input_pos(subject: WaySubject) -> bool:
    """Whether a model is told the positions of its tokens so, and decodes in no other way."""
    forward = set(inspect.signature(subject.module.forward).parameters)
    return INPUT_POS in forward and not {"past_key_values", "start_pos"} & forward


def cached_call(subject: WaySubject) -> tuple[TokenCall, CachedCall]:
    """How a model is called with a whole sequence, and how with a cache.

    Raises:
        WayClosed: it takes no cache that is known.
    """
    if takes_input_pos(subject):
        return PlacedCall(subject), StaticCacheCall(subject)
    call = TokenCall(subject)
    return call, CachedCall(call)


def _set_up(module: Module, batch: int, subject: WaySubject) -> set[str]:
    """Let a module set up its cache; the names of what it was told."""
    name = next((name for name in _METHODS if callable(getattr(module, name, None))), None)
    if name is None:
        raise WayClosed(f"it takes {INPUT_POS}, and has neither {' nor '.join(_METHODS)}")
    method = getattr(module, name)
    known = {"dtype": subject.dtype, "device": torch.device(subject.device)}
    known |= dict.fromkeys(_BATCH, batch) | dict.fromkeys(_LENGTH, LENGTH)
    parameters = inspect.signature(method).parameters
    unknown = [x.name for x in parameters.values() if x.name not in known and x.default is x.empty]
    if unknown:
        raise WayClosed(f"its {name} wants {unknown[0]}")
    arguments = {key: value for key, value in known.items() if key in parameters}
    try:
        method(**arguments)
    except (RuntimeError, ValueError, TypeError, AttributeError, AssertionError) as error:
        words = f"its {name} raises {type(error).__name__}: {first_line(error)}"
        raise WayClosed(words) from error
    return set(arguments)
