"""Where a table ends is found to the row,
and no position behind it is taken for one that it has."""

import pytest
import torch
from torch import Tensor, nn

from rotcheck.identify.function_identification import identify
from rotcheck.implementations.target import Target
from rotcheck.testing import assert_rotates


class Table(nn.Module):
    """Neighbouring lanes, a table of so many rows, and the row to begin with."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        frequencies = 500000.0 ** (-torch.arange(0, 64, 2).double() / 64)
        angles = torch.outer(torch.arange(rows).double(), frequencies)  # (rows, 32)
        self.register_buffer("cos", angles.cos().float())
        self.register_buffer("sin", angles.sin().float())

    def forward(self, x: Tensor, start_pos: int = 0) -> Tensor:
        rows = slice(start_pos, start_pos + x.shape[-2])
        cos, sin = self.cos[rows], self.sin[rows]
        a, b = x[..., ::2], x[..., 1::2]
        return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


@pytest.mark.parametrize("rows", [300, 4096, 5000])
def test_the_last_row_of_a_table_is_found(rows: int) -> None:
    told = identify(Target(Table(rows), None), torch.device("cpu")).identification
    assert (told.follows, told.longest_context) == (True, rows - 1)
    assert told.findings == ()


def test_a_table_that_ends_is_no_fault() -> None:
    """The positions asked for end where the table does,
    though not where the identification looked first."""
    cells = assert_rotates(Table(4096), dtypes=("float32", "float64"))
    assert {cell.verdict for cell in cells} <= {"agrees", "skipped"}
