"""Imports each library once, so that Python keeps what it compiles of it, where later processes are told not to."""

import contextlib
import importlib
import pkgutil

import jax.numpy  # noqa: F401

from rotcheck.implementations import libraries
from rotcheck.implementations.interface import Unavailable

for module in pkgutil.iter_modules(libraries.__path__):
    with contextlib.suppress(Unavailable):
        importlib.import_module(f"{libraries.__name__}.{module.name}").load("cpu")
