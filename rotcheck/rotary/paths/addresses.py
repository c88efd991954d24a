"""What code that reads and writes by address, unseen by PyTorch, asks of the tensors of a call."""

from torch import Tensor
from torch.nn import Parameter

_PLAIN = (Tensor, Parameter)


def unfit(x: Tensor, cos: Tensor, sin: Tensor, inplace: bool) -> str | None:
    """Return why what lies at the tensors' addresses is not what they hold, or cannot be written; or None."""
    if type(x) not in _PLAIN or type(cos) not in _PLAIN or type(sin) not in _PLAIN:
        return (
            f"a subclass of Tensor ({type(x).__name__}, {type(cos).__name__}) may hold no memory of its own"
        )
    if inplace and 0 in x.stride():
        return "elements of x share memory, and cannot be written each for itself"
    if x.is_neg() or cos.is_neg() or sin.is_neg():
        return "a tensor with its sign still to be resolved"
    return None
