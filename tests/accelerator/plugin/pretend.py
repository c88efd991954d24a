"""The pretend accelerator's Python half: what torch calls, as it is imported, to have it."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch.utils import backend_registration


def register() -> None:
    """Register the device `pretend` and the module `torch.pretend`,
    as plug-ins of real devices do."""
    compiled = _compiled()
    backend_registration.rename_privateuse1_backend("pretend")
    torch._register_device_module("pretend", _module(compiled))  # type: ignore[no-untyped-call]
    backend_registration.generate_methods_for_privateuse1_backend(for_storage=True)


def _compiled() -> Any:
    path = next(Path(__file__).parent.glob("pretend_compiled*.so"))
    specification = importlib.util.spec_from_file_location("pretend_compiled", path)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _module(compiled: Any) -> ModuleType:
    module = ModuleType("torch.pretend")
    constants: dict[str, Any] = {
        "is_available": True,
        "is_initialized": True,
        "is_bf16_supported": True,
        "_is_in_bad_fork": False,
        "_lazy_init": None,
        "device_count": 1,
        "current_device": 0,
        "set_device": None,
        "manual_seed": None,
        "manual_seed_all": None,
        "get_device_name": "pretend accelerator",
        "get_amp_supported_dtype": [torch.bfloat16, torch.float16],
    }
    for name, value in constants.items():
        setattr(module, name, lambda *args, value=value: value)
    module.synchronize = lambda device=None: compiled.synchronize()  # type: ignore[attr-defined]
    return module
