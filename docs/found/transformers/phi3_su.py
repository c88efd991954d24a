"""Phi-3's own spelling of its scaling, `"type": "su"`, is refused; `"longrope"` is read.

`convert_rope_params_to_dict` in `models/phi3/configuration_phi3.py` renames "su" after
`standardize_rope_params()`, which copies the original length for "longrope" only. A configuration
with the older spelling cannot be read. To mend it, rename first.
"""

from transformers import Phi3Config

for kind in ("longrope", "su"):
    scaling = {"type": kind, "short_factor": [1.0] * 48, "long_factor": [2.0] * 48}
    try:
        Phi3Config(rope_scaling=scaling, original_max_position_embeddings=4096)
        print(kind, "is read")
    except Exception as error:
        print(kind, "raises", type(error).__name__, error)
