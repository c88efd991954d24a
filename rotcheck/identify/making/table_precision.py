"""Tables whose values were rounded to a narrower dtype than they come back in."""

import math

import torch
from msgspec import structs

from rotcheck.identify.making.table_maker import TableMaker
from rotcheck.identify.making.table_reading import RotaryTables
from rotcheck.identify.reading.narrower_dtypes import narrow_dtype
from rotcheck.results import Remark

WIDE = (torch.float32, torch.float64, torch.complex64, torch.complex128)
# far below a rounding of float32, which a value that passed through float64 may be off by
EXACT = 1e-9
ENOUGH = 32  # values that are neither 0 nor 1: so many are not all of few bits by chance
CALL = "torch.tensor([[0, 1, 2]])"


def of_narrow_values(maker: TableMaker) -> list[Remark]:
    """The mistake of tables that are float32 or wider, with values of a narrower dtype."""
    dtype = dtype_of_values(maker.tables)
    if dtype is None:
        return []
    name, wide = str(dtype)[6:], str(maker.tables.dtype)[6:]
    bits = f"2**{round(math.log2(torch.finfo(dtype).eps)) - 1}"
    words = (
        f"rounds cos and sin to {name} and returns {wide}: each is off by up to {bits} of itself"
    )
    evidence = f"each value of the table is one that {name} holds"
    calls = [(CALL, f"values that {name} holds, in {wide}")]
    finding = maker.remark("low-precision", words, evidence, calls)
    code = finding.demonstration
    exact = code and code.replace(
        "import torch\n", "import torch\n\ntorch.set_printoptions(precision=9)\n", 1
    )
    return [structs.replace(finding, demonstration=exact)]


def dtype_of_values(tables: RotaryTables) -> torch.dtype | None:
    """The narrow dtype that holds all values of wider tables; None: none does."""
    values = torch.cat((tables.cos.flatten(), tables.sin.flatten()))
    telling = values[(values.abs() > EXACT) & ((values.abs() - 1).abs() > EXACT)]
    wide = tables.dtype in WIDE
    return narrow_dtype(telling, EXACT) if wide and len(telling) >= ENOUGH else None
