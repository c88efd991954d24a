"""Under `torch.compile`: the graph runs as it is, so that the compiler's own code plays no part."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule

from rotcheck.model.sequences.evidence.cache_keys import KeyPair, key_difference
from rotcheck.model.sequences.evidence.outcome_words import output_note, same_angle
from rotcheck.model.sequences.evidence.row_difference import tokens_in_words
from rotcheck.model.sequences.evidence.token_call import LENGTH, TokenCall, TokenPass
from rotcheck.model.sequences.way import NotComparable, WayOutcome, WaySubject
from rotcheck.witness.attention import AttentionCall, AttentionWitness

TITLE = "under torch.compile, for rows of two lengths"
LENGTHS = (LENGTH, LENGTH - 4)


class GraphAttention:
    """A backend of `torch.compile` that runs each graph, and sees what enters its attentions."""

    def __init__(self) -> None:
        self.calls: list[AttentionCall] = []

    def __call__(self, graph: GraphModule, _: list[Tensor]) -> Callable[..., Any]:
        """What runs in place of a graph."""
        numbers = count()

        def run_graph(*inputs: Any) -> Any:
            with AttentionWitness(lambda: next(numbers), str, lambda: None) as witness:
                result = graph(*inputs)
            self.calls += witness.calls
            return result

        return run_graph


def run(subject: WaySubject) -> WayOutcome:
    """Compile the model, and hold what enters its attentions against the model as it is."""
    call = TokenCall(subject)
    torch._dynamo.reset()
    graphs = GraphAttention()
    graph_module = torch.compile(subject.module, backend=graphs)
    try:
        for length in LENGTHS:
            tokens = call.rows(1, length)
            plain = call.run(tokens)
            graphs.calls.clear()
            with torch.no_grad(), _without_modes():
                result = graph_module(**{**call.rest, call.tokens: tokens})
            step = TokenPass({}, [], [], result, tokens.shape)
            outcome = _judge(subject, plain, graphs.calls, step, length)
            if outcome is not None:
                return outcome
    finally:
        torch._dynamo.reset()
    return WayOutcome(TITLE)


@contextmanager
def _without_modes() -> Iterator[None]:
    """Take torch's modes away, as `set_default_device` leaves one: in a graph that is made under
    one no other mode sees what runs."""
    size = torch._C._len_torch_function_stack()
    modes = [torch._C._pop_torch_function_stack() for _ in range(size)]
    try:
        yield
    finally:
        for mode in reversed(modes):
            torch._C._push_on_torch_function_stack(mode)


def _judge(
    subject: WaySubject, plain: TokenPass, calls: list[AttentionCall], step: TokenPass, length: int
) -> WayOutcome | None:
    """Hold one length against the model as it is; None: nothing differs."""
    when = f"with {length} tokens"
    slots = _pairs(plain.attention, calls)
    if not slots:
        raise NotComparable(f"{when}, no graph has the attentions of the model")
    for name, pairs in slots.items():
        difference = key_difference(pairs, plain.calls, same_angle(subject.dtype))
        if difference is not None and difference.rotation:
            tokens = tokens_in_words(difference.tokens)
            where = f"{when}, the attention of {difference.owner} gets {name} of {tokens}"
            return WayOutcome(TITLE, None, "compiled", f"{where} {difference.rotation}")
    words = output_note(step.output, plain.output)
    return WayOutcome(TITLE, message=f"{when}, {words}") if words else None


def _pairs(plain: list[AttentionCall], calls: list[AttentionCall]) -> dict[str, list[KeyPair]]:
    """q and k of all attentions, in graphs and as they are; empty: they do not fit each other."""
    couples = list(zip(calls, plain)) if len(plain) == len(calls) else []
    if (
        not all(a.q.shape == b.q.shape and a.k.shape == b.k.shape for a, b in couples)
        or not couples
    ):
        return {}
    return {
        "q": [KeyPair(b.owner, a.q, b.q) for a, b in couples],
        "k": [KeyPair(b.owner, a.k, b.k) for a, b in couples],
    }
