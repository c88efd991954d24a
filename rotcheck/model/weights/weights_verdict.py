"""What the losses of a text come to, with one thing about the rotation changed at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from rotcheck.model.weights.loss_difference import LossDifference, loss_difference
from rotcheck.model.weights.rotation_changes import RotationChange
from rotcheck.results.model import Fits, WeightsRow

RUINS = ("pairing", "direction", "rotation")  # kinds of changes that no trained weights bear
SHARE = 0.1  # of what the rotation is worth: on a text that is not quite theirs, weights gain less
# by turning a little faster or slower than they learned to


@dataclass(frozen=True, slots=True)
class ChangeLosses:
    """The loss of each token (N,) with one thing about the rotation changed."""

    change: RotationChange
    losses: Tensor

    @property
    def loss(self) -> float:
        """In nats a token."""
        return float(self.losses.mean())


@dataclass(frozen=True, slots=True)
class WeightsLosses:
    """The losses of a text.

    `losses`: of each token (N,), of the model as it runs. `guess`: the loss of who knows how
    frequent each token is, and nothing else.
    """

    losses: Tensor
    changes: Sequence[ChangeLosses]
    guess: float

    @property
    def loss(self) -> float:
        """Of the model as it runs, in nats a token."""
        return float(self.losses.mean())

    @property
    def least(self) -> float:
        """The lowest loss of all."""
        return min([self.loss, *(change.loss for change in self.changes)])

    @property
    def tell(self) -> bool:
        """Whether the weights know such a text."""
        return self.least < self.guess

    @property
    def worth(self) -> float:
        """What the rotation is worth to the weights: from the best one to one that ruins it."""
        ruins = [change.loss for change in self.changes if change.change.kind in RUINS]
        return max([self.loss, *ruins]) - self.least

    def rows(self) -> tuple[WeightsRow, ...]:
        """The rows of the report."""
        return tuple(map(self._row, self.changes))

    def _row(self, changes: ChangeLosses) -> WeightsRow:
        difference = loss_difference(changes.losses, self.losses)
        return WeightsRow(
            kind=changes.change.kind,
            change=changes.change.words,
            loss=changes.loss,
            difference=difference.mean,
            noise=difference.noise,
            fits=self._fits(difference),
        )

    def _fits(self, difference: LossDifference) -> Fits:
        if not self.tell:
            return "unclear"
        if difference.is_beyond_doubt and difference.mean > 0:
            return "worse"
        gain = -difference.mean
        return "better" if difference.is_beyond_doubt and gain > SHARE * self.worth else "alike"


def weights_verdict(losses: WeightsLosses, rows: Sequence[WeightsRow]) -> dict[str, Any]:
    """The verdict, as fields of a result; `rows`: those of the losses."""
    if not losses.tell:
        words = f"guessing by how frequent each token is has a loss of {losses.guess:.3f}"
        return _unclear(f"{words}: the weights are not trained, or not for such a text")
    better = [row for row in rows if row.fits == "better"]
    if better:
        best = min(better, key=lambda row: row.loss)
        finding = "weights-fit-another"
        words = f"{best.change} (loss {best.loss:.3f} instead of {losses.loss:.3f})"
        message = f"another convention fits the weights better than the one that runs: {words}"
        return {"verdict": "disagrees", "finding": finding, "message": message}
    if any(row.fits == "worse" for row in rows if row.kind in RUINS):
        return {"verdict": "agrees"}
    return _unclear("the loss hardly depends on the rotation: it does not tell which one is right")


def _unclear(words: str) -> dict[str, Any]:
    return {"verdict": "unidentified", "message": words}
