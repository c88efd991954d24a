"""Imports each library once, so that Python keeps what it compiles of it,
where later processes are told not to."""

import contextlib

import jax.numpy  # noqa: F401

from rotcheck.implementations import registry
from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.target import implementation_of

for name in registry.libraries():
    with contextlib.suppress(Unavailable):
        implementation_of(name).load("cpu")
