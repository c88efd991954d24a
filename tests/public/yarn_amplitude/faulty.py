import math

import torch


def get_mscale(scale, mscale=1.0):
    return 1.0 if scale <= 1 else 0.1 * mscale * math.log(scale) + 1.0


class YarnRoPE:
    def __init__(self, head_dim=128, theta=1000000.0, rope_scaling=None):
        s = rope_scaling or {
            "rope_type": "yarn",
            "factor": 16.0,
            "original_max_position_embeddings": 16384,
            "mscale": 1.0,
            "mscale_all_dim": 1.0,
            "beta_fast": 32.0,
            "beta_slow": 1.0,
        }
        old, factor = s["original_max_position_embeddings"], s["factor"]

        def lane(turns):
            return head_dim * math.log(old / (turns * 2 * math.pi)) / (2 * math.log(theta))

        low, high = (
            max(math.floor(lane(s["beta_fast"])), 0),
            min(math.ceil(lane(s["beta_slow"])), head_dim - 1),
        )
        ramp = ((torch.arange(head_dim // 2).float() - low) / (high - low)).clamp(0, 1)
        plain = 1.0 / theta ** (torch.arange(0, head_dim, 2).float() / head_dim)
        self.inv_freq = plain / factor * ramp + plain * (1 - ramp)
        if s.get("mscale") and s.get("mscale_all_dim"):
            self.attn_factor = get_mscale(factor, s["mscale"]) / get_mscale(
                factor, s["mscale_all_dim"]
            )
        else:
            self.attn_factor = get_mscale(factor)

    def compute_sincos(self, position_ids):
        angles = torch.outer(position_ids.float(), self.inv_freq)
        angles = torch.cat((angles, angles), -1)
        return angles.sin() * self.attn_factor, angles.cos() * self.attn_factor
