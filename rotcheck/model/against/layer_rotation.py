"""By what the layers of a model turn, as plain data that goes from one worker to another."""

from typing import Literal

import msgspec
import torch
from torch import Tensor

Source = Literal["run", "tables", "frequencies", "declared", ""]
"""How frequencies at a length are known: the model was run at these positions; its maker of tables
was; those of the one pass go on, and the model was not run there; a file declares them; or they are
not known."""


class LengthFrequencies(msgspec.Struct, frozen=True, kw_only=True):
    """Radians a position, of each pair, in a sequence of this length.

    `angles`: in their place those of its last rows, where the frequencies behind them are not known
    exactly enough.
    """

    length: int
    source: Source
    frequencies: tuple[float, ...] = ()
    noise: float = 0.0  # radians a position that they may be off
    angles: tuple[tuple[float, ...], ...] = ()
    schedule: str = ""
    why: str = ""  # they are not known

    @property
    def row(self) -> Tensor:
        """The frequencies, (P,), float64."""
        return torch.tensor(self.frequencies, dtype=torch.float64)

    def last_rows(self, count: int, pairs: int) -> Tensor:
        """The angles of the last rows, (count, pairs); pairs that it has not stand still."""
        if self.angles:
            rows = torch.tensor(self.angles[-count:], dtype=torch.float64)  # (count, P)
        else:
            places = torch.arange(self.length - count, self.length)
            rows = places[:, None] * self.row  # (count, P)
        return torch.nn.functional.pad(rows, (0, pairs - rows.shape[-1]))


class LayerRotation(msgspec.Struct, frozen=True, kw_only=True):
    """How q and k turn in one layer.

    `rows`: the angles of each row, where they follow no positions, as in an image. `obstacle`: why
    it is not known how they turn; empty: it is.
    """

    number: int | None  # of the layer
    layers: str = ""  # its type, where a configuration names types
    part: str = ""  # "vision", "audio"; empty: text
    does: str = ""  # in words
    is_still: bool = False  # its attention was seen, and nothing turned before it
    pairing: str = ""  # empty: a file that only declares says none
    width: int = 0  # lanes of the tensor
    start: int = 0  # the first that turns
    direction: int = 1
    amplitude: float = 1.0
    before: tuple[tuple[float, ...], ...] = ()  # q of the first tokens in one head, as it goes in
    lengths: tuple[LengthFrequencies, ...] = ()  # the first: of the one pass
    rows: tuple[tuple[float, ...], ...] = ()
    noise: float = 0.0  # radians, of rows
    obstacle: str = ""


class ModelRotations(msgspec.Struct, frozen=True, kw_only=True):
    """The rotations of a model, layer by layer.

    `types`: those of all layers of the original model, in their order; empty: it names none.
    `is_small`: whether layers were left out. `has_axes`: whether its configuration has positions
    of several axes, of which text shows none.
    """

    layers: tuple[LayerRotation, ...]
    types: tuple[str, ...] = ()
    is_small: bool = False
    has_axes: bool = False
