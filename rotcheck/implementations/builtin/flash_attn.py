"""flash-attn's Triton kernel through `apply_rotary_emb`: one tensor, out of place."""

import importlib
import importlib.util
from types import ModuleType

from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function, Unavailable
from rotcheck.implementations.triton_interpreter import BFLOAT16, interpret

convention = Convention(pairing="half", layout="bshd", tables="half-width", takes_offset=True)
triton = True


def load(device: str) -> Function:
    """The function of flash-attn, its offset named `offset`."""
    rotary = usable(device)

    def apply(x: Tensor, cos: Tensor, sin: Tensor, offset: int = 0) -> Tensor:
        result: Tensor = rotary.apply_rotary_emb(x, cos, sin, seqlen_offsets=offset)
        return result

    return apply


def skip(device: str, dtype: str) -> str | None:
    """Why a dtype is not asked of the device."""
    if device == "interpreter" and dtype == "bfloat16":
        return BFLOAT16
    return None


def usable(device: str) -> ModuleType:
    """Return `flash_attn.layers.rotary` for the device.

    Raises `Unavailable` where flash-attn is absent or cannot run on the device,
    and what its import raises where it should run but is broken.
    """
    if importlib.util.find_spec("flash_attn") is None:
        raise Unavailable(
            "flash-attn is not installed (`pip install flash-attn --no-build-isolation`)"
        )
    if device == "interpreter":
        interpret()
    elif not device.startswith("cuda"):
        raise Unavailable(
            f"its rotary is a Triton kernel for CUDA and HIP devices{_import_problem()}"
        )
    return importlib.import_module("flash_attn.layers.rotary")


def _import_problem() -> str:
    """Import it even where it cannot run, so that a package
    that cannot be imported is not passed over."""
    try:
        importlib.import_module("flash_attn.layers.rotary")
    except ImportError as error:
        return f"; nor can it be imported: {error}"
    return "; `--device interpreter` runs it on CPU tensors as a stand-in"
