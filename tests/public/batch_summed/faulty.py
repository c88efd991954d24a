import torch
from torch import nn


class LlamaRotaryEmbedding(nn.Module):
    def __init__(self, dim=64, max_position_embeddings=2048, base=10000):
        super().__init__()
        self.max_position_embeddings = max_position_embeddings
        self.register_buffer(
            "inv_freq", 1.0 / base ** (torch.arange(0, dim, 2).float() / dim), persistent=False
        )

    @torch.no_grad()
    def forward(self, x, position_ids):
        # position_ids: (batch, length)
        freqs = (
            self.inv_freq[:, None].float().expand(-1, position_ids.shape[0]) @ position_ids.float()
        ).t()
        emb = torch.cat((freqs, freqs), dim=-1)
        return emb.cos().to(x.dtype), emb.sin().to(x.dtype)
