"""A function that makes tables, with the call by which it was found to do so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from msgspec import structs
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.identify.angles.angle_findings import AngleFindings
from rotcheck.identify.making.maker_call_candidates import MakerCall
from rotcheck.identify.making.maker_snippet import snippet
from rotcheck.identify.making.returned_tables import first_tables
from rotcheck.identify.making.table_reading import RotaryTables
from rotcheck.identify.remarks import remark
from rotcheck.results import Remark


@dataclass(frozen=True, slots=True)
class TableMaker:
    """A maker of tables.

    Args:
        function: the maker.
        call: how it is called.
        tables: what it makes for the first positions.
        on_cpu: the same function for the CPU, of one that lives on another device.
        construction: how it was made of a class.
    """

    function: Callable[..., Any]
    call: MakerCall
    tables: RotaryTables
    on_cpu: Callable[..., Any] | None = None
    construction: str | None = None

    @property
    def eps(self) -> float:
        """The rounding step of the tables."""
        dtype = self.tables.dtype
        return torch.finfo(torch.float32 if dtype.is_complex else dtype).eps

    @property
    def noise(self) -> float:
        """How far rounding may take the angles."""
        return 2 * self.eps

    def findings(self) -> AngleFindings:
        """What is said of angles of which nothing is known yet."""
        pairing = self.tables.table_lanes or "half"
        return AngleFindings(Convention(pairing, "bshd", self.tables.form), ())

    def with_call(self, call: MakerCall) -> "TableMaker":
        """The same function called otherwise. Raises `NotTables`, and what the maker raises."""
        return replace(self, call=call, tables=first_tables(self.function, call))

    def snippet(self, calls: Sequence[tuple[str, str]]) -> str | None:
        """Code that makes calls, of positions or an argument each, and prints what comes back."""
        return snippet(self.function, self.construction, self.call, calls, 3)

    def remark(
        self, code: str, words: str, evidence: str, calls: Sequence[tuple[str, str]]
    ) -> Remark:
        """A mistake with the calls that show it."""
        snippet = self.snippet(calls)
        return structs.replace(remark(code, words, evidence), demonstration=snippet)


def equal_tensors(first: Sequence[Tensor], second: Sequence[Tensor]) -> bool:
    """Whether two calls gave tensors of the same elements, whatever axes of size 1 they have."""
    return len(first) == len(second) and all(
        a.numel() == b.numel() and torch.allclose(_flat(a), _flat(b), atol=1e-5)
        for a, b in zip(first, second)
    )


def _flat(tensor: Tensor) -> Tensor:
    return (torch.view_as_real(tensor) if tensor.is_complex() else tensor).double().flatten()
