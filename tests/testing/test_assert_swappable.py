"""Can one function be put in another's place? If not, what differs,
and what to permute or convert."""

import own_kernels
import pytest

from rotcheck.testing import assert_swappable


def test_a_function_can_take_the_place_of_one_of_its_convention() -> None:
    assert_swappable(own_kernels.healthy, own_kernels.Module())


def test_one_of_another_pairing_cannot_and_is_told_what_to_permute() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_swappable(own_kernels.interleaved, own_kernels.healthy)
    words = str(caught.value)
    assert words.startswith(
        "interleaved cannot take the place of healthy as it is\n  pairing: interleaved here, half"
    )
    assert "permute the rows of the q and k projections" in words


def test_one_that_is_wrong_in_itself_cannot() -> None:
    with pytest.raises(AssertionError, match="twice: rotates twice"):
        assert_swappable(own_kernels.twice, own_kernels.healthy)


def test_the_other_may_be_a_registered_one() -> None:
    with pytest.raises(AssertionError, match="cannot take the place of complex as it is"):
        assert_swappable(own_kernels.healthy, "complex")
