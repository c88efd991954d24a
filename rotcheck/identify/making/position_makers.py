"""Functions that make positions of a mask of padding, or of where packed sequences begin: does each begin at 0?"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import said
from rotcheck.identify.asking.padding_mask import padded_on
from rotcheck.identify.calling.role_evidence import documentation
from rotcheck.identify.calling.templates import parameters
from rotcheck.identify.remarks import remark
from rotcheck.identify.telling import demonstration, doubt
from rotcheck.implementations.instances import copied
from rotcheck.implementations.target import Target
from rotcheck.results import Remark, Told

ROWS = 6
ONES = f"torch.ones(2, {ROWS}, dtype=torch.int64)"
LEFT = "torch.tensor([[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]])"
RIGHT = "torch.tensor([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]])"
STARTS = "torch.tensor([0, 2, 6], dtype=torch.int32)"
NEXT = "say in its docstring what its mask, or its cu_seqlens, stands for"
MADE = "it makes positions, and rotates nothing"
_PACKED = re.compile(r"\bpack|each sequence|sequences|anew|restart", re.IGNORECASE)
Call = tuple[str, ...]
"""The arguments of a call as Python; `{}` stands for the mask or the starts."""


@dataclass(frozen=True, slots=True)
class Maker:
    """A function that makes positions: how it is called, and of what."""

    function: Callable[..., Any]
    call: Call
    given: str  # the name of its mask, or of where sequences begin
    packed: bool

    def rows(self, value: str) -> Tensor | None:
        """Return the positions (2, S), or (1, S) of packed sequences, that it makes of a mask or of starts."""
        space = {"torch": torch, "f": copied(self.function)}
        try:
            made = eval(f"f({self.shown(value)})", space)
        except Exception:  # it is called otherwise
            return None
        return _as_rows(
            made[0] if isinstance(made, tuple | list) and made else made, 1 if self.packed else 2
        )

    def shown(self, value: str) -> str:
        """Return the arguments of a call as Python."""
        return ", ".join(self.call).replace("{}", value)


def answer(target: Target) -> dict[str, Any] | None:
    """Return what is told of a function, as fields of an `Identification`; None: it makes no positions."""
    name = getattr(target.function, "__name__", "")
    if not said(name, vocabulary.MAKES_POSITIONS):
        return None
    for maker in _makers(target.function):
        usual = maker.rows(STARTS if maker.packed else ONES)
        if usual is not None:
            return _answer(target, maker, usual)
    return None


def _makers(function: Callable[..., Any]) -> list[Maker]:
    required = [one for one in parameters(function) or () if one.required]
    masks = [one.name for one in required if said(one.name, vocabulary.MASK)]
    starts = [one.name for one in required if said(one.name, vocabulary.SEQUENCE_STARTS)]
    if len(masks) + len(starts) != 1:
        return []
    found = []
    for rows in (f"torch.arange({ROWS})", "0"):
        values = [
            "False" if one.kind in (bool, "bool") else _value(one.name, rows) for one in required
        ]
        if all(values):
            call = tuple(
                f"{one.name}={value}" if one.keyword else value
                for one, value in zip(required, values)
            )
            found.append(Maker(function, call, (masks + starts)[0], bool(starts)))
    return found


def _value(name: str, rows: str) -> str:
    """Return an argument as Python; empty: nobody knows what it is."""
    known = (
        (vocabulary.MASK, "{}"),
        (vocabulary.SEQUENCE_STARTS, "{}"),
        (vocabulary.OFFSET, rows),
        (vocabulary.LENGTH, str(ROWS)),
        (vocabulary.BATCH, "2"),
        (vocabulary.DEVICE, 'torch.device("cpu")'),
    )
    return next((value for names, value in known if said(name, names)), "")


def _as_rows(made: Any, batch: int) -> Tensor | None:
    """Return positions (batch, S) of whatever has such rows; None: it has none."""
    if (
        not isinstance(made, Tensor)
        or made.is_floating_point()
        or made.is_complex()
        or made.dtype == torch.bool
    ):
        return None
    if made.dim() == 3:
        made = made[0]  # of time, height and width
    fits = (
        made.dim() in (1, 2)
        and made.shape[-1] == ROWS
        and (made.dim() == 1 or len(made) in (1, batch))
    )
    return made.expand(batch, ROWS) if fits else None


def _answer(target: Target, maker: Maker, usual: Tensor) -> dict[str, Any]:
    words, why, wrong = _of_starts(maker, usual) if maker.packed else _of_mask(maker, usual)
    if wrong:
        text = documentation(maker.function)
        sure = _PACKED.search(text) if maker.packed else padded_on(text) == "left"
        doubts = [] if sure else [f"nothing says what `{maker.given}` stands for"]
        shown = None if doubts else _demonstration(target, maker)
        wrong = [doubt.settled(wrong[0], doubts, shown, written=":" in target.specification)]
    sure = bool(wrong) and wrong[0].mistake
    seen = (
        "packed sequences"
        if maker.packed
        else "masks of ones, and of padding on the left and on the right"
    )
    return {
        "follows": words is not None,
        "convention": None,
        "positions": words,
        "call": f"f({maker.shown(maker.given)})",
        "findings": tuple(wrong),
        "message": MADE if words else None if sure else wrong[0].message if wrong else why,
        "evidence": (Told(field="positions", says=words, because=seen),) if words else (),
        "advice": () if words or sure else (NEXT,),
    }


Saying = tuple[str | None, str, list[Remark]]
"""What it makes; or why that is not understood; or what is wrong with it."""


def _of_mask(maker: Maker, usual: Tensor) -> Saying:
    count, first = torch.arange(ROWS), ROWS - 4
    left, right = maker.rows(LEFT), maker.rows(RIGHT)
    if not torch.equal(usual, count.expand(2, ROWS)):
        return None, f"without padding its positions are {usual[0].tolist()}", []
    if left is None:
        return (
            None,
            f"`{maker.given}` of padding on the left raises, or gives back no positions",
            [],
        )
    if torch.equal(left, usual) and padded_on(documentation(maker.function)) == "right":
        return (
            "makes positions that begin with each row's first token, with padding on the right",
            "",
            [],
        )
    if torch.equal(left, usual):
        words = f"`{maker.given}` changes nothing: a padded row has positions as if it began with its padding"
        return None, "", [remark("idle-argument", words, f"f({maker.shown(LEFT)})")]
    if not torch.equal(left[0, first:], count[:4]) or not torch.equal(left[1], count):
        return (
            None,
            f"with {first} tokens of padding on the left its positions are {left[0].tolist()}",
            [],
        )
    after = right is not None and torch.equal(right[0, :4], count[:4])
    both = "on the left or on the right" if after else "on the left"
    return f"makes positions that begin with each row's first token, with padding {both}", "", []


def _of_starts(maker: Maker, usual: Tensor) -> Saying:
    came = usual[0].tolist()
    if came == [0, 1, 0, 1, 2, 3]:
        return "makes positions that begin anew with each packed sequence", "", []
    if came == list(range(ROWS)):
        words = (
            f"the second of two packed sequences does not begin anew, whatever `{maker.given}` says"
        )
        return None, "", [remark("sequences", words, f"f({maker.shown(STARTS)})")]
    return None, f"for sequences of 2 and 4 tokens its positions are {came}", []


def _demonstration(target: Target, maker: Maker) -> str | None:
    """Return Python that shows positions that do not begin where a row, or a sequence, does."""
    source, behind = (
        doubt.source_of(target),
        "the second sequence" if maker.packed else "behind the padding",
    )
    lines = [
        f"{maker.given} = {STARTS if maker.packed else LEFT}",
        f"returned = f({maker.shown(maker.given)})",
        f"came = returned.reshape(-1, {ROWS})[0, 2:]  # {behind}",
        "right = torch.arange(4)",
    ]
    return demonstration.shown(source, "\n".join([*source.lines, "", *lines, *demonstration.PRINT]))
