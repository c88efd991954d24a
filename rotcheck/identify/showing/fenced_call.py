"""Lines of Python, without rotcheck, that make a call and count what it writes beside
the tensors that it allocates."""

MARGIN = 1024  # elements on either side of a tensor
CLASS = f"""\
from torch.utils._python_dispatch import TorchDispatchMode

memories = []


class Fenced(TorchDispatchMode):
    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        allocated = operator(*args, **(kwargs or {{}}))
        if "empty" not in str(operator) or not allocated.numel():
            return allocated
        memories.append(allocated.new_full((allocated.numel() + {2 * MARGIN},), 7.0))
        return memories[-1][{MARGIN}:-{MARGIN}].view(allocated.shape)

"""


def fence_lines(call: str) -> list[str]:
    """Lines that make a call with memory around what it allocates,
    and count the elements that change there."""
    return [
        *CLASS.splitlines(),
        "",
        "with Fenced():",
        f"    {call}",
        f"beside = [torch.cat((memory[:{MARGIN}], memory[-{MARGIN}:])) for memory in memories]",
        "came = sum(((each != 7.0).sum() for each in beside), torch.tensor(0))  # changed beside its own tensors",
    ]
