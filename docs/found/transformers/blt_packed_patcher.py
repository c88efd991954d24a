"""BLT's patcher counts on where a packed sequence begins again.

`BltModel.forward` in `models/blt/modeling_blt.py` hands `position_ids` to its encoder and its
decoder, and not to `self.patcher`, which counts the bytes of a row itself. With two sequences in a
row, the second one is cut into patches as if it went on from the first. To mend it, hand
`position_ids` to the patcher too. Below, the positions that the patcher and the encoder turn by.
"""

import torch
from transformers import BltConfig, BltModel

small = {
    "hidden_size": 64, "hidden_size_global": 64, "intermediate_size": 64, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 2,
}  # fmt: skip
parts = ("patcher_config", "encoder_config", "decoder_config", "global_config")
config = BltConfig(**dict.fromkeys(parts, small), encoder_hash_byte_group_vocab=64)
model = BltModel(config).eval()
for part in (model.patcher, model.local_encoder):
    part.rotary_emb.register_forward_pre_hook(lambda module, inputs: print(inputs[1].tolist()))
places = torch.tensor([[0, 1, 2, 3, 4, 0, 1, 2]])
model(torch.arange(8)[None], position_ids=places, use_cache=False)
