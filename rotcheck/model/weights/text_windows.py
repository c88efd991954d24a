"""A text as windows of tokens, and which of them a model has to predict."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from rotcheck.errors import RequestError
from rotcheck.model.weights.text_tokens import TextTokens

MASKED_SHARE = 0.15  # of the tokens, as BERT was trained
SHORTEST = 16  # tokens of a text


@dataclass(frozen=True, slots=True)
class TextWindows:
    """Windows of one length, one after another.

    `mask`: the token that stands for each one to be predicted, in a model that sees all tokens;
    None: every token is predicted from those before it.
    """

    ids: Tensor  # (W, S)
    mask: int | None = None

    @property
    def guess(self) -> float:
        """The loss of who knows how frequent each token of this text is, and nothing else."""
        counts = torch.bincount(self.ids.flatten())
        counts = counts[counts > 0]
        shares = counts.double() / counts.sum()
        return float(-(shares * shares.log()).sum())

    def batches(self, size: int, device: torch.device) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield what goes in (B, S), whether something is predicted there (B, S), and what (N,)."""
        generator = torch.Generator().manual_seed(5)
        for ids in torch.split(self.ids, size):  # (B, S)
            if self.mask is None:
                places = torch.ones(ids.shape, dtype=torch.bool)
                places[:, -1] = False
                inputs, targets = ids, ids[:, 1:].flatten()
            else:
                places = torch.rand(ids.shape, generator=generator) < MASKED_SHARE
                inputs, targets = ids.masked_fill(places, self.mask), ids[places]
            yield inputs.to(device), places.to(device), targets.to(device)


def text_windows(tokens: TextTokens, window: int, most: int) -> TextWindows:
    """Cut a text into windows.

    Args:
        tokens: of the text. What stands in front of it stands in front of each window.
        window: tokens of a window; a shorter text is one window.
        most: tokens of all windows.

    Raises:
        RequestError: the text is too short.
    """
    width = min(window - len(tokens.before), len(tokens.ids))
    if width < SHORTEST:
        raise RequestError(f"a text of {width} tokens tells nothing: it needs {SHORTEST} or more")
    count = max(1, min(len(tokens.ids) // width, most // window))
    rows = torch.tensor(tokens.ids[: count * width]).reshape(count, width)  # (W, S)
    front = torch.tensor(tokens.before, dtype=rows.dtype).expand(count, -1)
    return TextWindows(torch.cat((front, rows), 1), tokens.mask)
