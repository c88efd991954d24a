def reverse_permute_rope(weights, n_head, n_kv_head):
    """GGUF keeps neighbours beside each other, transformers halves: undo the permutation."""
    if n_kv_head is not None and n_head != n_kv_head:
        n_head //= n_kv_head
    return (
        weights.reshape(n_head, weights.shape[0] // n_head // 2, 2, *weights.shape[1:])
        .swapaxes(2, 1)
        .reshape(weights.shape)
    )


def load_rotary_projections(q_weight, k_weight, n_head=8, n_kv_head=2):
    return reverse_permute_rope(q_weight, n_head, n_head), reverse_permute_rope(
        k_weight, n_head, n_kv_head
    )
