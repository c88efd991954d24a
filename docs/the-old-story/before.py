"""The model's rotary function as it was. Run it to see the failure, on a device that needs no hardware."""

import flags  # noqa: F401  # the model imported such a header with its fused dropout
import torch


@torch.jit.script
def _apply_rotary_pos_emb_torchscript(qkv, cos, sin):
    x1, x2 = qkv.chunk(2, -1)
    return qkv * cos + torch.cat((-x2, x1), -1) * sin


def apply_rotary_pos_emb(qkv, cos, sin):
    """Rotate packed qkv (B, S, 3, H, D)."""
    return _apply_rotary_pos_emb_torchscript(qkv, cos, sin)


if __name__ == "__main__":
    qkv, table = (
        torch.empty(2, 10, 3, 8, 64, device="meta"),
        torch.empty(1, 10, 3, 1, 64, device="meta"),
    )
    apply_rotary_pos_emb(qkv, table, table)
