"""Bug reports of caches, lengths, layers and configurations: the fault is named, what is right is not accused."""

import pytest
from reported import told

FAULTS = {
    "length_of_another_axis:GrowingBase": "follow the offset and not the length: behind 1000 positions",
    "llama3_dropped:RotaryEmbedding": "it says Llama3(factor=8.0, original_length=8192, theta=500000.0)",
    "layers_turn_alike:RotaryEmbedding": "`layer_type` changes nothing: it keeps other frequencies for layers",
    "tables_beside_heads:apply_rotary": "turns with the head, not the row: the docstring says t (b, l, nh, hd)",
    "rank_never_read:rotate_part": "`cp_rank` changes nothing",
    "theta_not_in_key:rope": "`theta` changes nothing: called with other numbers",
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_fault_is_named(name: str) -> None:
    found = told(name, "faulty")
    assert found.answer == "unknown"
    assert FAULTS[name] in (found.message or "")


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_right_is_not_accused(name: str) -> None:
    assert told(name, "fixed").answer == "right"


@pytest.mark.parametrize("version", ["faulty", "fixed"])
def test_a_number_of_keys_is_no_offset_for_certain(version: str) -> None:
    """Of `kv_len` nobody knows but its author whether the new token counts, so that neither can be called wrong."""
    found = told("keys_counted:rotate_newest", version)
    assert found.answer == "unknown"
    assert any("nothing says what `kv_len` is" in one.message for one in found.findings)
