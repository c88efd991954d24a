"""Code of frameworks that rotcheck does not run, told by what a file imports."""

from collections.abc import Iterable
from importlib.util import find_spec

from rotcheck.implementations.interface import Unavailable

RUN = ("torch", "jax", "flax", "mlx")
NOT_RUN = {
    "tensorflow": "this is TensorFlow code; rotcheck runs functions of PyTorch, JAX and MLX",
    "keras": "this is Keras code: `pip install keras` to have it tested, with KERAS_BACKEND=torch",
}


class ForeignCode(Unavailable):
    """A file of a framework whose functions rotcheck does not call."""


def refuse(imports: Iterable[str]) -> None:
    """Raise `ForeignCode` for a file that imports a framework that is not run, and none that is;
    Keras, which can run on torch, is run where it is installed."""
    roots = {name.partition(".")[0] for name in imports}
    if roots.intersection(RUN):
        return
    for root, text in NOT_RUN.items():
        if root in roots and (root != "keras" or find_spec(root) is None):
            raise ForeignCode(text)
