"""Two rows of different lengths in one batch, held against each row alone."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.model.sequences.evidence.outcome_words import output_note, same_angle
from rotcheck.model.sequences.evidence.row_difference import RowDifference, row_difference
from rotcheck.model.sequences.evidence.token_angles import TokenAngles, row_angles
from rotcheck.model.sequences.evidence.token_call import LENGTH, MASK, TokenCall
from rotcheck.model.sequences.way import WayOutcome, WaySubject

PADDING = 4  # tokens of the second row that are padding


@dataclass(frozen=True, slots=True)
class PaddedRows:
    """Two rows of tokens, the second one with padding.

    `mask`: (2, S), 1 where a token is real, 0 where it is padding. `real`: which tokens of the
    second row are real.
    """

    tokens: Tensor  # (2, S)
    mask: Tensor  # (2, S)
    real: slice

    @classmethod
    def of_call(cls, call: TokenCall, on_left: bool) -> "PaddedRows":
        """Tokens for a model, with the padding on the left or on the right."""
        tokens = call.rows(2)
        padding = slice(0, PADDING) if on_left else slice(LENGTH - PADDING, LENGTH)
        mask = torch.ones_like(tokens)
        mask[1, padding] = 0
        real = slice(PADDING, LENGTH) if on_left else slice(0, LENGTH - PADDING)
        return cls(tokens, mask, real)

    def judge(self, way: str, call: TokenCall, angles: TokenAngles, output: Tensor) -> WayOutcome:
        """Hold the angles of both rows against those of each row alone.

        Args:
            way: the way in words.
            call: how the model is called.
            angles: of the batch.
            output: what the model returned for the last tokens of the batch, (2, n, ...).
        """
        tolerance = same_angle(call.subject.dtype)
        notes: list[str] = []
        error = 0.0
        reference = row_angles(call.run(self.tokens[:1]).angles, 0)
        for row, real in enumerate((slice(0, LENGTH), self.real)):
            tokens = row_angles(angles, row, real)
            difference = row_difference(tokens, reference, tolerance, relative=True)
            error = max(error, difference.error)
            if difference.tokens:
                words = f"row {row}, without its padding: {difference.words}"
                return WayOutcome(way, error, "padding-positions", words)
            notes += [_shift_note(row, difference), self._output_note(call, row, real, output)]
        return WayOutcome(way, error, note="; ".join(filter(None, notes)) or None)

    def _output_note(self, call: TokenCall, row: int, real: slice, output: Tensor) -> str:
        """Words, if what the model returned for a row is not what it returns for the row alone."""
        first = LENGTH - output.shape[1]  # of the tokens of which there is output
        start = max(real.start, first)
        if start >= real.stop:
            return ""
        alone = call.run(self.tokens[row : row + 1, real])
        values = output[row : row + 1, start - first : real.stop - first]
        words = output_note(values, alone.output[:, start - real.start :])
        return f"{words} for row {row}" if words else ""


def _shift_note(row: int, difference: RowDifference) -> str:
    if not difference.shift:
        return ""
    return f"row {row} begins at position {difference.shift}, which RoPE allows"


def padded_pass(subject: WaySubject, way: str, *, on_left: bool) -> WayOutcome:
    """Hand over both rows, and a mask of what is padding; `way`: in words."""
    call = TokenCall(subject)
    call.parameter(MASK)
    rows = PaddedRows.of_call(call, on_left)
    batch = call.attempt(rows.tokens, attention_mask=rows.mask)
    return rows.judge(way, call, batch.angles, batch.output)
