"""The words cos, sin, freqs, rope and rotary: rotary's only where something beside them says so."""
# ruff: noqa: E501

import pytest

from rotcheck.diagnose.diagnosis import of_event
from rotcheck.log import read_text

SIZES = "RuntimeError: The size of tensor a (10) must match the size of tensor b (20) at non-singleton dimension 1"

ROTARY = {
    "both tables in one": 'File "m.py", line 3, in f\n    return gather(cossincache, at)',
    "its own name": 'File "m.py", line 3, in apply_rotary_pos_emb\n    return a * cos',
    "a module's name": 'File "model/rotary.py", line 51, in forward\n    return self.f(x, t)',
    "a module's longer name": 'File "layers/rope_utils.py", line 51, in forward\n    return self.f(x, t)',
    "a name and a table": 'File "rope.py", line 3, in forward\n    return x1 * cos - x2 * sin',
    "q times cos": 'File "m.py", line 3, in f\n    q = q * cos + turn(q) * sin',
    "attention above it": 'File "attention.py", line 9, in forward\n    q = f(q)\n  File "m.py", line 3, in f\n    x * freqs',
    "positions beside it": 'File "m.py", line 3, in f\n    x * cos[position_ids]',
    "a model of transformers": 'File "/x/site-packages/transformers/models/phi/modeling_phi.py", line 3, in f\n    x * cos',
}
OTHERS = {
    "a rotation of points": 'File "augment.py", line 3, in rotate_points\n    x * cos - y * sin',
    "a time step": 'File "embeddings.py", line 3, in get_timestep_embedding\n    torch.cat([torch.sin(x), torch.cos(x)])',
    "a spectrum": 'File "stft.py", line 3, in forward\n    spec * freqs',
    "a rope": 'File "/home/u/rope/env.py", line 3, in step\n    node + force',
    "a knob": 'File "rotary_encoder.py", line 3, in turned\n    angle + step',
}


@pytest.mark.parametrize("kind", ROTARY)
def test_a_word_in_rotarys_company_is_rotarys(kind: str) -> None:
    failure = of_event(
        read_text(f"Traceback (most recent call last):\n  {ROTARY[kind]}\n{SIZES}\n").events[0]
    ).failure

    assert failure is not None
    assert failure.id == "R10"


@pytest.mark.parametrize("kind", OTHERS)
def test_the_same_word_alone_is_not(kind: str) -> None:
    answer = of_event(
        read_text(f"Traceback (most recent call last):\n  {OTHERS[kind]}\n{SIZES}\n").events[0]
    )

    assert answer.failure is None
    assert answer.message is not None
    assert answer.message.id == "G4"
