"""torchtune's `RotaryPositionalEmbeddings`: a module with tables of its own, interleaved pairs."""

from typing import Any, cast

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package

TORCHTUNE = Package("torchtune", "torchtune", "0.6.1")
HEAD_DIM, ROWS = 64, 131072

convention = Convention(
    pairing="interleaved",
    layout="bshd",
    tables="positions",
    arguments=("x", "input_pos=positions"),
    positions="any",
    position_axes="bs",
    head_dim=HEAD_DIM,
    last_position=ROWS - 1,
)


def load(device: str) -> Function:
    """Return the module; its file alone, since the package asks for some thirty others."""
    return built("torchtune.modules.position_embeddings:RotaryPositionalEmbeddings", device)


def built(path: str, device: str) -> Function:
    """Return one of torchtune's rotary modules, built for the convention's heads and positions, on the device."""
    TORCHTUNE.function(f"{path}.forward", "self", "x", "input_pos=", alone=True)
    kind: Any = TORCHTUNE.function(path, "dim", "max_seq_len=", "base=", alone=True)
    module = kind(HEAD_DIM, max_seq_len=ROWS, base=int(convention.theta))
    return cast(Function, module.to(device))
