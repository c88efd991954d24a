"""What code that reads and writes by address, unseen by PyTorch, asks of the tensors of a call."""

from torch import Tensor
from torch.nn import Parameter

PLAIN = (Tensor, Parameter)


def unfit(x: Tensor, cos: Tensor, sin: Tensor, out: Tensor | None) -> str | None:
    """Why what lies at the tensors' addresses is not what they hold, or cannot be written;
    or None."""
    if type(x) not in PLAIN or type(cos) not in PLAIN or type(sin) not in PLAIN:
        return f"a subclass of Tensor ({type(x).__name__}, {type(cos).__name__}) may hold no memory of its own"
    if out is not None and type(out) not in PLAIN:
        return f"out is a subclass of Tensor ({type(out).__name__}), which may hold no memory of its own"
    if out is not None and 0 in out.stride():
        return "elements of out share memory, and cannot be written each for itself"
    if x.is_neg() or cos.is_neg() or sin.is_neg() or (out is not None and out.is_neg()):
        return "a tensor with its sign still to be resolved"
    return None
