"""How a model is called with tokens: with which arguments, with a cache, and what came of it."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from rotcheck.convention.vocabulary import POSITIONS, is_named
from rotcheck.errors import first_line
from rotcheck.model.forward_pass import tensors_within
from rotcheck.model.sequences.evidence.token_angles import SequenceAxes, TokenAngles
from rotcheck.model.sequences.way import NotComparable, WayClosed, WaySubject
from rotcheck.witness.attention import AttentionCall
from rotcheck.witness.call_record import CallRecord
from rotcheck.witness.turn_forms import FormWitness

LENGTH = 11  # tokens of a row
NOTHING = "no call turned a tensor in the pass over the whole sequence"
MASK = "attention_mask"
REFUSALS = (
    RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError, AssertionError,
)  # fmt: skip
SIDE_INPUTS = {MASK, "position_ids", "cache_position", "token_type_ids", "labels"}


@dataclass(frozen=True, slots=True)
class TokenPass:
    """What was seen of one call of a model with tokens."""

    angles: TokenAngles
    calls: list[CallRecord]
    attention: list[AttentionCall]
    result: Any
    shape: torch.Size  # of the tokens, (B, S)

    @property
    def output(self) -> Tensor:
        """The first tensor of values of each token that came back: logits, most often. (B, S, ...)

        Without one it has no elements.
        """
        for tensor in tensors_within(self.result):
            if tensor.is_floating_point() and tensor.shape[:2] == self.shape:
                return tensor.detach()
        return torch.empty(*self.shape, 0)


class TokenCall:
    """Calls a model with tokens of one's choice.

    Args:
        subject: the model.
        module: another module to call in its place; None: its own.

    Raises:
        WayClosed: its inputs are not tokens alone.
    """

    def __init__(self, subject: WaySubject, module: Module | None = None) -> None:
        self.subject = subject
        self.module = subject.module if module is None else module
        self.tokens = self.tokens_name(subject.inputs)
        self.parameters = parameters_of(subject.module)
        self.forms = turn_calls(subject)
        self.axes = SequenceAxes.of_pass(subject.whole)
        subject.notes[:] = [f"not compared: {words}" for words in self.axes.short]

    def tokens_name(self, inputs: Mapping[str, Any]) -> str:
        """The name of the argument that holds the tokens."""
        return _tokens_name(inputs)

    @property
    def rest(self) -> dict[str, Any]:
        """What the model is called with beside tokens, their mask and their positions."""
        inputs = self.subject.inputs
        return {
            name: inputs[name] for name in inputs if name not in SIDE_INPUTS and name != self.tokens
        }

    def rows(self, batch: int, length: int = LENGTH) -> Tensor:
        """Tokens (B, S), drawn from those of the subject."""
        return self._drawn(self.subject.inputs[self.tokens].flatten(), batch, length)

    def _drawn(self, values: Tensor, batch: int, length: int) -> Tensor:
        generator = torch.Generator().manual_seed(5)
        places = torch.randint(len(values), (batch, length), generator=generator)
        return values[places.to(values.device)]

    def run(self, tokens: Tensor, **arguments: Any) -> TokenPass:
        """Call the model under the witness, without gradients."""
        with FormWitness(self.module, self.forms) as witness, torch.no_grad():
            result = self.module(**{**self.rest, self.tokens: tokens, **arguments})
        shape = tokens.shape[:2]
        angles = self.axes.token_angles(witness.calls, *shape)
        return TokenPass(angles, witness.calls, witness.attention, result, shape)

    def attempt(self, tokens: Tensor, **arguments: Any) -> TokenPass:
        """Call the model with arguments that it may not take in this form."""
        try:
            return self.run(tokens, **arguments)
        except REFUSALS as error:
            names = " and ".join(arguments) or "them"
            words = f"called with {names}, it raises {type(error).__name__}: {first_line(error)}"
            raise WayClosed(words) from error

    def parameter(self, name: str) -> str:
        """The name, if the model takes it."""
        if name not in self.parameters:
            raise WayClosed(f"its forward takes no {name}")
        return name

    def row_positions(self, start: int) -> dict[str, Tensor]:
        """The argument that has a row begin at position `start`: positions (1, S)."""
        positions = torch.arange(start, start + LENGTH)[None]
        return {self.positions_parameter(): positions.to(self.subject.device)}

    def positions_parameter(self) -> str:
        """The name under which the model takes positions of its tokens, and uses them."""
        for name in sorted(self.parameters, key=lambda name: name != "position_ids"):
            if is_named(name, POSITIONS) and name != self.tokens:
                if says_that_it_ignores(self.subject.module, name):
                    raise WayClosed(f"its forward says that it ignores {name}")
                return name
        raise WayClosed("its forward takes no position_ids")


class StateCall(TokenCall):
    """Calls a layer with the states (B, S, W) of tokens in place of tokens.

    Raises:
        WayClosed: its inputs are not such states, or not alone with their positions.
    """

    def tokens_name(self, inputs: Mapping[str, Any]) -> str:
        """The name of the argument that holds the states."""
        names = [name for name in _tensor_names(inputs) if name not in SIDE_INPUTS]
        names = [name for name in names if not is_named(name, POSITIONS)]
        states = [name for name in names if inputs[name].is_floating_point()]
        if len(names) != 1 or not states or inputs[states[0]].dim() != 3:
            raise WayClosed("its inputs are no states of tokens")
        return states[0]

    def rows(self, batch: int, length: int = LENGTH) -> Tensor:
        """States (B, S, W), drawn from those of the subject."""
        states = self.subject.inputs[self.tokens].flatten(0, 1)  # (B * S, W)
        return self._drawn(states, batch, length)


class CachedCall:
    """Calls a model with the tokens that follow those of the calls before.

    Raises:
        WayClosed: the model takes no cache that is known.
    """

    def __init__(self, call: TokenCall) -> None:
        self.call = call
        self.cache: Any = None
        self.start = 0
        self.batch = 1
        if not {"past_key_values", "start_pos"} & call.parameters:
            raise WayClosed("its forward takes no past_key_values, and no start_pos")

    def run(self, tokens: Tensor, **arguments: Any) -> TokenPass:
        """Call the model with tokens (B, S) that follow."""
        if "start_pos" in self.call.parameters:
            step = self.call.attempt(tokens, start_pos=self.start, **arguments)
        else:
            step = self.call.attempt(tokens, **self._cache_arguments(), **arguments)
            self.cache = _cache_of(step.result)
            if self.cache is None:
                raise WayClosed("it returns no cache")
        self.start += tokens.shape[1]
        return step

    def _cache_arguments(self) -> dict[str, Any]:
        use = {"use_cache": True} if "use_cache" in self.call.parameters else {}
        return use if self.cache is None else {**use, "past_key_values": self.cache}


def turn_calls(subject: WaySubject) -> list[CallRecord]:
    """The calls of the whole pass that turned an argument.

    Raises:
        WayClosed: nothing turned.
        NotComparable: what turned is no argument of a call.
    """
    calls = subject.whole.witness.calls
    if not calls:
        raise WayClosed(NOTHING)
    forms = [record for record in calls if not record.inline]
    if not forms:
        raise NotComparable(
            f"the rotation stands within {calls[0].name}: it is no call that could be seen again"
        )
    return forms


def parameters_of(module: Module) -> set[str]:
    """The names of what a module is called with."""
    return set(inspect.signature(module.forward).parameters)


def says_that_it_ignores(module: Module, name: str) -> bool:
    """Whether the forward of a module has a message that an argument is ignored, which whoever
    passes it reads."""
    try:
        source = ast.parse(textwrap.dedent(inspect.getsource(module.forward)))
    except (OSError, TypeError, SyntaxError):  # there is no source
        return False
    calls = [node for node in ast.walk(source) if isinstance(node, ast.Call)]
    texts = [part.value for call in calls for part in call.args if isinstance(part, ast.Constant)]
    return any(re.search(rf"\b{name}\b.{{1,80}}\bignored\b", str(text)) for text in texts)


def _cache_of(result: Any) -> Any:
    """What a model returned as its cache; of a tuple the first part that is no tensor."""
    if isinstance(result, Mapping):
        return result.get("past_key_values")
    if isinstance(result, tuple | list):
        return next((part for part in result if not isinstance(part, Tensor)), None)
    return getattr(result, "past_key_values", None)


def _tokens_name(inputs: Mapping[str, Any]) -> str:
    """The name of the argument that holds the tokens of a model."""
    names = [name for name in _tensor_names(inputs) if name not in SIDE_INPUTS]
    integers = [name for name in names if not inputs[name].is_floating_point()]
    tokens = [name for name in integers if inputs[name].dim() == 2]
    if len(tokens) != 1:
        raise WayClosed("its inputs are not rows of tokens")
    if len(names) > 1:
        further = ", ".join(name for name in names if name != tokens[0])
        raise WayClosed(f"it is called with {further} beside its tokens")
    return tokens[0]


def _tensor_names(inputs: Mapping[str, Any]) -> Iterator[str]:
    for name, value in inputs.items():
        if isinstance(value, Tensor) and value.dtype != torch.bool and value.dim() > 0:
            yield name
