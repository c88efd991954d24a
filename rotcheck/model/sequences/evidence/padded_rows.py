"""Two rows of different lengths in one batch, held against each row alone."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.model.sequences.evidence.outcome_words import output_note, same_angle
from rotcheck.model.sequences.evidence.row_difference import RowDifference, row_difference
from rotcheck.model.sequences.evidence.token_angles import TokenAngles, row_angles
from rotcheck.model.sequences.evidence.token_call import LENGTH, TokenCall
from rotcheck.model.sequences.way import WayOutcome

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
    def of_call(cls, call: TokenCall, left: bool) -> "PaddedRows":
        """Tokens for a model, with the padding on the left or on the right."""
        tokens = call.rows(2)
        padding = slice(0, PADDING) if left else slice(LENGTH - PADDING, LENGTH)
        mask = torch.ones_like(tokens)
        mask[1, padding] = 0
        real = slice(PADDING, LENGTH) if left else slice(0, LENGTH - PADDING)
        return cls(tokens, mask, real)

    def judge(self, what: str, call: TokenCall, angles: TokenAngles, output: Tensor) -> WayOutcome:
        """Hold the angles of both rows against those of each row alone.

        Args:
            what: the way in words.
            call: how the model is called.
            angles: of the batch.
            output: what the model returned for the last tokens of the batch, (2, n, ...).
        """
        tolerance = same_angle(call.subject.dtype)
        notes: list[str] = []
        error = 0.0
        for row, real in enumerate((slice(0, LENGTH), self.real)):
            alone = call.run(self.tokens[row : row + 1, real])
            way = row_angles(angles, row, real)
            difference = row_difference(way, row_angles(alone.angles, 0), tolerance, relative=True)
            error = max(error, difference.error)
            if difference.tokens:
                words = f"row {row}, without its padding: {difference.words}"
                return WayOutcome(what, error, "padding-positions", words)
            notes.append(_shift_note(row, difference))
            first = LENGTH - output.shape[1]  # of the tokens of which there is output
            kept = slice(max(real.start, first), real.stop)
            if kept.start < kept.stop:
                values = output[row : row + 1, kept.start - first : kept.stop - first]
                words = output_note(values, alone.output[:, kept.start - real.start :])
                notes.append(f"{words} for row {row}" if words else "")
        return WayOutcome(what, error, note="; ".join(filter(None, notes)) or None)


def _shift_note(row: int, difference: RowDifference) -> str:
    if not difference.shift:
        return ""
    return f"row {row} begins at position {difference.shift}, which RoPE allows"
