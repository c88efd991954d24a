"""KerasHub drops the scaling of a Llama 3.1 that transformers 5 has saved.

`convert_backbone_config` in `keras_hub/src/utils/transformers/convert_llama3.py` reads theta from
`rope_parameters`, where transformers 5 writes both, and the scaling from `rope_scaling` only. The
model is built without it, and nothing is said. To mend it, read the scaling from `rope_parameters`
too.
"""

import os

os.environ["KERAS_BACKEND"] = "torch"
from keras_hub.src.utils.transformers.convert_llama3 import convert_backbone_config
from transformers import LlamaConfig

rope = {"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 8192}
rope |= {"rope_theta": 500000.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
saved = LlamaConfig(max_position_embeddings=131072, rope_parameters=rope).to_dict()
older = saved | {"rope_theta": rope.pop("rope_theta"), "rope_scaling": rope}
older.pop("rope_parameters")
for release, config in ((5, saved), (4, older)):
    converted = convert_backbone_config(config)
    print(f"of transformers {release}:", *(f"{k}={v}" for k, v in converted.items() if "rope" in k))
