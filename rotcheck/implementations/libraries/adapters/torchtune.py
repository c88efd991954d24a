"""torchtune: modules with tables of their own, built for the convention's heads and positions."""

from typing import Any, cast

from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.library import Library


def build(library: Library, device: str) -> Function:
    """A rotary module on the device; its file comes alone,
    since the package asks for some thirty others."""
    forward = f"{library.function}.forward"
    library.package.function(forward, "self", "x", "input_pos=", alone=True)
    kind: Any = library.fetch()
    convention = library.convention
    rows = (convention.last_position or 0) + 1
    module = kind(convention.head_dim, max_seq_len=rows, base=int(convention.theta))
    return cast(Function, module.to(device))
