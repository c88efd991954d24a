"""Sees which ranks send each other what was turned: the parts of one sequence, then."""

from collections.abc import Iterator
from hashlib import blake2b
from types import CodeType, FrameType

import torch
from torch import Tensor

from rotcheck.watch.inside.record_file import RecordFile
from rotcheck.watch.inside.tensor_parts import looks_wide, part
from rotcheck.witness.call_record import TensorTurn, tensors_in

MOST_LOOKS = 24  # at tensors that are sent
MOST_TURNS = 4  # of the last ones, that are held
COLLECTIVES = {
    "all_gather", "all_gather_into_tensor", "all_gather_tensor", "all_to_all", "all_to_all_single",
    "permute_tensor", "isend", "send",
}  # fmt: skip
_SENT = ("input_tensor_list", "input_tensor", "input", "tensor", "self")  # parameters of these


def is_collective(code: CodeType) -> bool:
    """Whether code is that of a function with which ranks send each other tensors."""
    if code.co_name not in COLLECTIVES:
        return False
    return "/torch/distributed/" in code.co_filename.replace("\\", "/")


class ExchangeWatch:
    """Holds what turned last, for as long as a model runs, and looks for it in what is sent."""

    def __init__(self, record: RecordFile) -> None:
        self._record = record
        self._turns: list[tuple[list[object], TensorTurn]] = []  # with the place of the function
        self._inputs: list[Tensor] = []
        self._looks = 0
        self._lines: set[str] = set()

    def begin(self, inputs: list[Tensor]) -> None:
        """Know what a model is handed, which tells ranks with other tokens."""
        self._inputs = inputs

    def end(self) -> None:
        """Hold nothing of a model any more."""
        self._inputs, self._turns = [], []

    def know_turn(self, place: list[object], turn: TensorTurn) -> None:
        """Know a tensor that was turned, where there is someone to send it to."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            self._turns = [*self._turns, (place, turn)][-MOST_TURNS:]

    def hear(self, frame: FrameType) -> None:
        """Look at the tensors that a collective, whose call begins, is about to send."""
        if not self._turns or self._looks >= MOST_LOOKS:
            return
        values = frame.f_locals
        name = next((name for name in _SENT if values.get(name) is not None), "")
        for _, x in tensors_in(values.get(name)):
            if looks_wide(x) and x.numel() > 1:
                self._looks += 1
                self._write(frame, x)

    def _write(self, frame: FrameType, x: Tensor) -> None:
        from rotcheck.model.turned_values import enters  # half a second

        for place, turn in self._turns:
            if str(place) not in self._lines and enters(part(x).detach(), turn):
                self._lines.add(str(place))
                ranks = sorted(_group(frame))
                facts = {
                    "collective": frame.f_code.co_name,
                    "group": ranks,
                    "inputs": self._digest(),
                }
                self._record.write("exchange", place=place, **facts)

    def _digest(self) -> str:
        digest = blake2b(digest_size=8)
        for x in self._inputs:
            values = part(x) if looks_wide(x) else x.flatten()[: 1 << 20]
            values = values.detach().cpu().contiguous()
            digest.update(values.view(torch.uint8).numpy().tobytes() if values.dim() else b"")
        return digest.hexdigest()


def _group(frame: FrameType) -> Iterator[int]:
    """The ranks among which a collective sends, as they are numbered in the whole program."""
    values, peer = frame.f_locals, frame.f_locals.get("dst")
    if isinstance(peer, int):
        yield from (torch.distributed.get_rank(), peer)
        return
    group = values.get("group")
    if group is None or isinstance(group, torch.distributed.ProcessGroup):
        yield from torch.distributed.get_process_group_ranks(group or torch.distributed.group.WORLD)
