"""Inside a worker: the module that is trained, the miniature or the user's, and its loss."""

import inspect
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from rotcheck.errors import RequestError
from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.named_object import as_it_is
from rotcheck.train import loss as losses
from rotcheck.train.batches import Batch
from rotcheck.train.miniature import Miniature, Rotary, initialise
from rotcheck.train.sequences import tokens

Build = Callable[[Rotary], nn.Module]


class ModelBuilder:
    """Builds the module around a rotation, with the same weights each time, and its loss.

    `own`: the module keeps a rotation of its own and takes none.
    """

    def __init__(self, model: str | None, seed: int) -> None:
        self._model, self._seed = model, seed
        self.has_rotation, self._build = (
            _inspect_factory(model) if model else (False, self._miniature)
        )

    def module(self, rotary: Rotary, device: torch.device, dtype: torch.dtype) -> nn.Module:
        """The module with its first weights, as bfloat16 holds them.

        So every dtype starts from the same point; float16 but for numbers below its smallest.
        """
        torch.manual_seed(self._seed)
        module = self._build(rotary)
        if self._model:
            _check_module(module, self._model)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(parameter.bfloat16())
        return module.to(device=device, dtype=dtype)

    def loss(self, module: nn.Module, batch: Batch) -> Tensor:
        """The scalar loss. Raises `RequestError` when the user's module returns anything else."""
        device = next(module.parameters()).device
        clean = torch.tensor([tokens(text) for text in batch.clean], device=device)  # (B, S)
        if self._model:
            torch.manual_seed(self._seed)  # what random numbers it draws are the same for each run
            return _checked_loss(module(clean), self._model)
        noisy = torch.tensor([tokens(text) for text in batch.noisy], device=device)  # (B, S)
        sigma = torch.tensor(batch.sigma, dtype=torch.float64, device="cpu")  # (B,)
        entropy = losses.score_entropy(module(noisy, sigma), sigma, noisy, clean)  # (B, S)
        return losses.rate_weighted_mean(
            entropy, torch.tensor(batch.rate, dtype=torch.float64, device="cpu")
        )

    def _miniature(self, rotary: Rotary) -> nn.Module:
        module = Miniature(rotary)
        initialise(module, self._seed)
        return module


def _inspect_factory(model: str) -> tuple[bool, Build]:
    """Whether the factory's module has a rotation of its own, and what builds it around one."""
    try:
        factory = cast(Callable[..., nn.Module], as_it_is(model))
    except Unavailable as error:
        raise _error(model, f"cannot be loaded: {error}") from error
    takes = inspect.signature(factory).parameters.values()
    keyword = any(parameter.name == "rotary" for parameter in takes)
    parameters = [
        p.name
        for p in takes
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if keyword:
        return False, lambda rotary: factory(rotary=rotary)
    if len(parameters) > 1:
        raise _error(model, f"needs {', '.join(parameters)}; it is called as factory(rotary)")
    return (False, factory) if parameters else (True, lambda rotary: factory())


def _check_module(module: Any, model: str) -> None:
    if not isinstance(module, nn.Module):
        kind = type(module).__name__
        raise _error(model, f"returned an object of class {kind}; expected a torch.nn.Module")
    if not any(parameter.is_floating_point() for parameter in module.parameters()):
        raise _error(model, "returned a module without parameters: there is nothing to train")


def _checked_loss(loss: Any, model: str) -> Tensor:
    contract = "module(tokens), tokens (B, S) of int64, must return the scalar loss"
    if isinstance(loss, Tensor) and loss.numel() == 1:
        return loss.reshape(())
    shape = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else ""
    other = shape or f"an object of class {type(loss).__name__}"
    raise RequestError(f"--model {model!r}: {contract}, not {other}")


def _error(model: str, words: str) -> RequestError:
    return RequestError(f"--model {model!r} {words}")
