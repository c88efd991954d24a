"""Functions that make positions of a padding mask, or of the starts of packed sequences."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import vocabulary
from rotcheck.convention.vocabulary import is_named
from rotcheck.identify.calling.parameters import parameters
from rotcheck.identify.calling.role_evidence import documentation, padding_side
from rotcheck.identify.remarks import remark, settle
from rotcheck.identify.showing.function_source import source_of
from rotcheck.implementations.instances import copy_of
from rotcheck.implementations.target import Target
from rotcheck.results import FieldEvidence, Remark

ROWS = 6
NO_PADDING = f"torch.ones(2, {ROWS}, dtype=torch.int64)"
PADDING_LEFT = "torch.tensor([[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]])"
PADDING_RIGHT = "torch.tensor([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]])"
STARTS = "torch.tensor([0, 2, 6], dtype=torch.int32)"
NEXT = "say in its docstring what its mask, or its cu_seqlens, stands for"
MAKES_POSITIONS = "it makes positions, and rotates nothing"
_SEQUENCES = re.compile(r"\bpack|each sequence|sequences|anew|restart", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PositionMaker:
    """A function that makes positions: how it is called, and of what."""

    function: Callable[..., Any]
    arguments: tuple[str, ...]  # as Python; `{}` stands for the mask or the starts
    source: str  # the name of its mask, or of where sequences begin
    of_sequences: bool

    def rows(self, value: str) -> Tensor | None:
        """The positions (2, S) made of a mask, or (1, S) made of the starts of sequences."""
        space = {"torch": torch, "f": copy_of(self.function)}
        try:
            result = eval(f"f({self.call(value)})", space)
        except Exception:  # it is called otherwise; a function may raise anything
            return None
        if isinstance(result, tuple | list) and result:
            result = result[0]
        return _as_rows(result, 1 if self.of_sequences else 2)

    def call(self, value: str) -> str:
        """The arguments of a call as Python."""
        return ", ".join(self.arguments).replace("{}", value)


@dataclass(frozen=True, slots=True)
class PositionFinding:
    """What a function makes, in words; or why that is not understood; or what is wrong with it."""

    words: str | None = None
    doubt: str = ""
    mistake: Remark | None = None


def answer(target: Target) -> dict[str, Any] | None:
    """What is said of a function, as fields of an `Identification`; None: it makes no positions."""
    name = getattr(target.function, "__name__", "")
    if not is_named(name, vocabulary.MAKES_POSITIONS):
        return None
    for maker in position_makers(target.function):
        usual = maker.rows(STARTS if maker.of_sequences else NO_PADDING)
        if usual is not None:
            return _answer(target, maker, usual)
    return None


def position_makers(function: Callable[..., Any]) -> list[PositionMaker]:
    """The calls that may make positions of one mask, or of the starts of sequences."""
    needs = [parameter for parameter in parameters(function) or () if parameter.mandatory]
    masks = [place.name for place in needs if is_named(place.name, vocabulary.MASK)]
    starts = [place.name for place in needs if is_named(place.name, vocabulary.SEQUENCE_STARTS)]
    if len(masks) + len(starts) != 1:
        return []
    makers = []
    for offset in (f"torch.arange({ROWS})", "0"):
        values = [
            "False" if place.kind in (bool, "bool") else _value(place.name, offset)
            for place in needs
        ]
        if all(values):
            arguments = tuple(
                f"{place.name}={value}" if place.keyword else value
                for place, value in zip(needs, values)
            )
            makers.append(PositionMaker(function, arguments, (masks + starts)[0], bool(starts)))
    return makers


def _value(name: str, offset: str) -> str:
    """An argument as Python; empty: nobody knows what it is."""
    values = (
        (vocabulary.MASK, "{}"),
        (vocabulary.SEQUENCE_STARTS, "{}"),
        (vocabulary.OFFSET, offset),
        (vocabulary.LENGTH, str(ROWS)),
        (vocabulary.BATCH, "2"),
        (vocabulary.DEVICE, 'torch.device("cpu")'),
    )
    return next((value for names, value in values if is_named(name, names)), "")


def _as_rows(result: Any, batch: int) -> Tensor | None:
    """The positions (batch, S) of whatever has such rows; None: it has none."""
    if not isinstance(result, Tensor) or result.dtype == torch.bool:
        return None
    if result.is_floating_point() or result.is_complex():
        return None
    if result.dim() == 3:
        result = result[0]  # of time, height and width
    fits = (
        result.dim() in (1, 2)
        and result.shape[-1] == ROWS
        and (result.dim() == 1 or len(result) in (1, batch))
    )
    return result.expand(batch, ROWS) if fits else None


def _answer(target: Target, maker: PositionMaker, usual: Tensor) -> dict[str, Any]:
    conclusion = of_starts(maker, usual) if maker.of_sequences else of_mask(maker, usual)
    words, message = conclusion.words, conclusion.doubt
    findings, evidence = tuple[Remark, ...](), tuple[FieldEvidence, ...]()
    if conclusion.mistake:
        findings = (_settle(target, maker, conclusion.mistake),)
        message = findings[0].message
    if words:
        message = MAKES_POSITIONS
        masks = "masks of ones, and of padding on the left and on the right"
        trials = "packed sequences" if maker.of_sequences else masks
        evidence = (FieldEvidence(field="positions", says=words, because=trials),)
    is_mistake = any(finding.mistake for finding in findings)
    return {
        "follows": words is not None,
        "convention": None,
        "positions": words,
        "call": f"f({maker.call(maker.source)})",
        "findings": findings,
        "message": None if is_mistake else message,
        "evidence": evidence,
        "advice": () if words or is_mistake else (NEXT,),
    }


def _settle(target: Target, maker: PositionMaker, mistake: Remark) -> Remark:
    """The mistake as one that is shown, or as what was seen if its argument is in doubt."""
    text = documentation(maker.function)
    is_said = _SEQUENCES.search(text) if maker.of_sequences else padding_side(text) == "left"
    doubts = [] if is_said else [f"nothing says what `{maker.source}` stands for"]
    snippet = None if doubts else _demonstration(target, maker)
    return settle(mistake, doubts, snippet, runs_anywhere=":" in target.specification)


def of_mask(maker: PositionMaker, usual: Tensor) -> PositionFinding:
    """What a function makes of masks; `usual`: its positions (2, S) without padding."""
    count, zeros = torch.arange(ROWS), ROWS - 4
    at_left, at_right = maker.rows(PADDING_LEFT), maker.rows(PADDING_RIGHT)
    if not torch.equal(usual, count.expand(2, ROWS)):
        return PositionFinding(doubt=f"without padding its positions are {usual[0].tolist()}")
    if at_left is None:
        words = f"`{maker.source}` of padding on the left raises, or returns no positions"
        return PositionFinding(doubt=words)
    from_first = "makes positions that begin with each row's first token, with padding"
    if torch.equal(at_left, usual):
        if padding_side(documentation(maker.function)) == "right":
            return PositionFinding(f"{from_first} on the right")
        words = f"`{maker.source}` changes nothing: a padded row has positions as if it began with its padding"
        evidence = f"f({maker.call(PADDING_LEFT)})"
        return PositionFinding(mistake=remark("idle-argument", words, evidence))
    if not torch.equal(at_left[0, zeros:], count[:4]) or not torch.equal(at_left[1], count):
        words = (
            f"with {zeros} tokens of padding on the left its positions are {at_left[0].tolist()}"
        )
        return PositionFinding(doubt=words)
    on_right = at_right is not None and torch.equal(at_right[0, :4], count[:4])
    return PositionFinding(
        f"{from_first} {'on the left or on the right' if on_right else 'on the left'}"
    )


def of_starts(maker: PositionMaker, usual: Tensor) -> PositionFinding:
    """What a function makes of two packed sequences; `usual`: its positions (1, S)."""
    positions = usual[0].tolist()
    if positions == [0, 1, 0, 1, 2, 3]:
        return PositionFinding("makes positions that begin anew with each packed sequence")
    if positions == list(range(ROWS)):
        words = f"the second of two packed sequences does not begin anew, whatever `{maker.source}` says"
        return PositionFinding(mistake=remark("sequences", words, f"f({maker.call(STARTS)})"))
    return PositionFinding(doubt=f"for sequences of 2 and 4 tokens its positions are {positions}")


def _demonstration(target: Target, maker: PositionMaker) -> str | None:
    """Python that shows positions that do not begin where a row, or a sequence, does."""
    part = "the second sequence" if maker.of_sequences else "behind the padding"
    lines = [
        f"{maker.source} = {STARTS if maker.of_sequences else PADDING_LEFT}",
        f"returned = f({maker.call(maker.source)})",
        f"came = returned.reshape(-1, {ROWS})[0, 2:]  # {part}",
        "right = torch.arange(4)",
    ]
    return source_of(target).show(lines)
