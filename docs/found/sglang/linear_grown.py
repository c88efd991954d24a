"""SGLang grows the table of linear scaling by rows without scaling.

`_ensure_cos_sin_cache_length` in `rotary_embedding/base.py` makes new rows of `_compute_inv_freq`,
and the scaling of `LinearScalingRotaryEmbedding` is not in there but in its first table. The rows
beyond that turn by `factor` times the angle. To mend it, divide the positions there as well.
"""

import os

os.environ["SGLANG_USE_CPU_ENGINE"] = "1"
import torch
from sglang.srt.layers.rotary_embedding.factory import get_rope

rotary = get_rope(128, 128, 4096, 10000, rope_scaling={"rope_type": "linear", "factor": 4.0})
rows = len(rotary.cos_sin_cache)
rotary._ensure_cos_sin_cache_length(rows)
cos, sin = rotary.cos_sin_cache.chunk(2, -1)
angles = torch.atan2(sin, cos)[:, 63]  # of the slowest pair
for position in (rows - 1, rows):
    print(f"position {position}: {angles[position]:.4f} rad")
