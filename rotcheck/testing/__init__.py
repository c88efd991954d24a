"""One line for a kernel author's own test suite:
is this function a rotary embedding, and a right one?

    from rotcheck.testing import assert_rotates

    def test_rope():
        assert_rotates(my_rope)

Works in the process it is called in, under pytest or without. docs/testing.md says what it tells.
"""

from rotcheck.testing.assertions import assert_rotates, assert_swappable

__all__ = ["assert_rotates", "assert_swappable"]
