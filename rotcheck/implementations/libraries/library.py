"""What an entry of the table of libraries says,
and how rotcheck loads the function that it names."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from rotcheck.convention import Convention
from rotcheck.implementations import third_party
from rotcheck.implementations.interface import Function
from rotcheck.implementations.third_party import Package
from rotcheck.implementations.triton_interpreter import BFLOAT16

ADAPTERS = "rotcheck.implementations.libraries.adapters"


@dataclass(frozen=True, slots=True)
class Library:
    """A rotary function of a package that others publish; it is an `Implementation`.

    `adapter`: `module:function` of `adapters/`, for what needs code around the call. It is called
    with this entry and the device, and returns the function to call.
    """

    about: str
    package: Package
    function: str  # package.module:function
    parameters: str  # that it is held to, in their order; those passed by keyword end in =
    convention: Convention
    runs_on: Literal["any device", "cpu", "cuda"] = "any device"
    triton: bool = False  # it is a Triton kernel, which the interpreter runs on CPU tensors
    alone: bool = False  # its file is imported without the packages around it
    adapter: str = ""
    dtypes: tuple[str, ...] = ()  # that its kernel is compiled for; empty: all
    no_dtype: Mapping[str, str] = field(default_factory=dict)  # why a dtype is not asked of it
    no_gradient: str | None = None  # why it has none, by design
    no_trace: str | None = None  # why nothing that traces can look into it

    def variant(self, about: str, convention: Mapping[str, Any], **fields: Any) -> "Library":
        """An entry that differs from this one in these fields of its convention and of its own."""
        merged = replace(self.convention, **convention)
        return replace(self, about=about, convention=merged, **fields)

    def load(self, device: str) -> Function:
        """The function for the device.

        Raises `Unavailable` where the package is not installed or does not run on the device,
        `SignatureChanged` where it is not as this entry says, and what importing it raises.
        """
        self.package.check_installed()
        if self.triton and self.runs_on == "cuda":
            third_party.for_triton(device)
        elif self.runs_on == "cuda":
            third_party.for_cuda(device)
        elif self.runs_on == "cpu":
            third_party.for_cpu(device)
        if not self.adapter:
            return self.fetch()
        module, _, name = self.adapter.partition(":")
        adapt = getattr(importlib.import_module(f"{ADAPTERS}.{module}"), name)
        function: Function = adapt(self, device)
        return function

    def fetch(self, *, alone: bool | None = None) -> Function:
        """The function as its package has it, held to the parameters."""
        return self.package.function(
            self.function,
            *self.parameters.split(", "),
            alone=self.alone if alone is None else alone,
        )

    def skip(self, device: str, dtype: str) -> str | None:
        """Why a dtype is not asked of it on a device; None: it is."""
        if self.dtypes and dtype not in self.dtypes:
            names = f"{', '.join(self.dtypes[:-1])} and {self.dtypes[-1]}"
            return f"its kernel is compiled for {names} alone"
        if self.triton and device == "interpreter" and dtype == "bfloat16":
            return BFLOAT16
        return self.no_dtype.get(dtype)
