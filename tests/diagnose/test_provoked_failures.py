"""The signatures hold against what this machine's torch, Triton and flash-attn really say."""

from collections.abc import Mapping

from rotcheck.diagnose import match


def test_what_it_really_says_is_recognised(provocation: str, said: Mapping[str, str]) -> None:
    """A provoked failure is found in its own stderr, traceback, warnings and all."""
    found = match(said[provocation], rotary=True)

    assert found is not None, said[provocation]
    assert provocation.split("_")[0] == found.id
