"""A call of compiled code in which nothing was seen to turn: is there rotary code inside?"""

import torch

from rotcheck.witness.call_record import CallRecord
from rotcheck.witness.witness import Witness

UNSEEN = "runs compiled, and from outside no tensor is seen to turn"


def code_inside(call: CallRecord) -> str:
    """Words on the rotary code that is inside, as it is written; empty: there is none.

    Args:
        call: of compiled code. Its function is called once more as it is written.

    Raises:
        Exception: whatever that call raises.
    """
    if call.has_cos is not None:
        return f"{UNSEEN}; its graph takes a cosine or a sine" if call.has_cos else ""
    code = call.function.__code__
    places = code.co_varnames[: code.co_argcount]
    rest = {name: value for name, value in call.arguments.items() if name not in places}
    stance = torch.compiler.set_stance("force_eager")
    with stance, torch.no_grad(), Witness() as witness:
        call.function(*(call.arguments[name] for name in places), **rest)
    names = dict.fromkeys(record.function.__qualname__ for record in witness.rotary_records)
    return f"{UNSEEN}; as it is written, {', '.join(names)} runs there" if names else ""
