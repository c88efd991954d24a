import torch


class MRotaryEmbedding:
    """positions are (tokens,) for text or (3, tokens) for time, height and width.

    q and k are (tokens, heads * head_size).
    """

    def __init__(
        self,
        head_size=64,
        max_position_embeddings=4096,
        rope_theta=10000.0,
        mrope_section=(8, 12, 12),
    ):
        freqs = 1.0 / rope_theta ** (torch.arange(0, head_size, 2).float() / head_size)
        angles = torch.outer(torch.arange(max_position_embeddings).float(), freqs)
        self.cos_sin_cache = torch.cat((angles.cos(), angles.sin()), -1)
        self.head_size, self.mrope_section = head_size, list(mrope_section)

    def forward(self, positions, query, key):
        assert positions.ndim == 1 or positions.ndim == 2
        tokens = positions.shape[-1]
        cos, sin = self.cos_sin_cache[positions].chunk(2, -1)
        if positions.ndim == 2:
            cos = torch.cat([m[i] for i, m in enumerate(cos.split(self.mrope_section, -1))], -1)
            sin = torch.cat([m[i] for i, m in enumerate(sin.split(self.mrope_section, -1))], -1)
        cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)

        def turn(x):
            y = x.view(tokens, -1, self.head_size)
            a, b = y.chunk(2, -1)
            return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).reshape(x.shape)

        return turn(query), turn(key)

    __call__ = forward
