"""flash-attn: whether its kernel can run is asked as for `flash-attn` itself."""

from rotcheck.implementations.builtin import flash_attn
from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.library import Library


def usable(library: Library, device: str) -> Function:
    """The function, where flash-attn can run on the device."""
    flash_attn.usable(device)
    return library.fetch()
