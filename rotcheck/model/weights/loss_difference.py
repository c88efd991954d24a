"""How much higher one loss of a text is than another one, and what its length leaves open."""

from dataclasses import dataclass

from torch import Tensor

BLOCK = 32  # tokens side by side, whose losses depend on one another
BEYOND_DOUBT = 5  # standard errors
MATTERS = 0.01  # nats a token


@dataclass(frozen=True, slots=True)
class LossDifference:
    """How much higher the loss of a text is than another one of the same text, in nats a token.

    `noise`: the standard error, by which the mean over another text of this length would be off.
    """

    mean: float
    noise: float

    @property
    def is_beyond_doubt(self) -> bool:
        """Whether there is a difference, and one that matters."""
        return abs(self.mean) > max(BEYOND_DOUBT * self.noise, MATTERS)


def loss_difference(losses: Tensor, reference: Tensor) -> LossDifference:
    """How much higher `losses` are than those of `reference`, (N,) of the same tokens."""
    differences = losses - reference
    return LossDifference(float(differences.mean()), noise_of(differences))


def noise_of(values: Tensor) -> float:
    """The standard error of the mean of values (N,), of which neighbours depend on one another."""
    count = len(values) // BLOCK
    if count < 2:
        return float("inf")
    blocks = values[: count * BLOCK].reshape(count, BLOCK).mean(1)  # (count,)
    return float(blocks.std() / count**0.5)
