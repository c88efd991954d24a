import jax.numpy as jnp
import numpy as np


class RotaryEmbedding:
    def __init__(self, head_size=32, rotary_dim=32, base=10000, dtype=jnp.bfloat16):
        self.head_size, self.dtype = head_size, dtype
        self.frequencies = 1.0 / base ** (
            np.arange(0, rotary_dim, 2, dtype=np.float32) / rotary_dim
        )

    def __call__(self, positions, query, key):
        inv_freq = jnp.asarray(self.frequencies, dtype=jnp.float32)
        freqs = jnp.einsum("n,d->nd", positions.astype(jnp.float32), inv_freq)
        cos = jnp.cos(freqs).astype(self.dtype)[:, None]
        sin = jnp.sin(freqs).astype(self.dtype)[:, None]

        def turn(x):
            a, b = jnp.split(x.reshape(positions.shape[0], -1, self.head_size), 2, axis=-1)
            return jnp.concatenate((a * cos - b * sin, b * cos + a * sin), axis=-1).reshape(x.shape)

        return turn(query), turn(key)
