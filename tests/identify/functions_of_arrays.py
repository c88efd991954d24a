"""Functions of JAX and MLX, right and with one slip."""

import jax
import jax.numpy as jnp
import mlx.core as mx


def apply_rotary(x: jax.Array, cos: jax.Array, sin: jax.Array) -> jax.Array:
    a, b = jnp.split(x, 2, axis=-1)
    return jnp.concatenate((a * cos - b * sin, b * cos + a * sin), axis=-1)


@jax.jit
def apply_rotary_without_minus(x: jax.Array, cos: jax.Array, sin: jax.Array) -> jax.Array:
    a, b = jnp.split(x, 2, axis=-1)
    return jnp.concatenate((a * cos + b * sin, b * cos + a * sin), axis=-1)


def make_rotary_tables(dim: int, length: int) -> jax.Array:
    frequencies = 10000.0 ** (-jnp.arange(0, dim, 2) / dim)
    return jnp.exp(1j * jnp.outer(jnp.arange(length), frequencies))


def make_narrow_rotary_tables(dim: int, length: int) -> tuple[jax.Array, jax.Array]:
    frequencies = (10000.0 ** (-jnp.arange(0, dim, 2) / dim)).astype(jnp.bfloat16)
    angles = jnp.outer(jnp.arange(length), frequencies.astype(jnp.float32))
    return jnp.cos(angles), jnp.sin(angles)


def rounded_to_bfloat16(x: jax.Array) -> jax.Array:
    return x.astype(jnp.bfloat16).astype(jnp.float32)


class KeepsTable:
    def __init__(self) -> None:
        self.table = jnp.ones((0, 1))

    def __call__(self, x: jax.Array) -> jax.Array:
        if len(self.table) < x.shape[1]:
            self.table = jnp.arange(x.shape[1])[:, None] / 3
        return x * jnp.cos(self.table[: x.shape[1]])


def mlx_rotary(x: mx.array, cos: mx.array, sin: mx.array) -> mx.array:
    a, b = mx.split(x, 2, axis=-1)
    return mx.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def mlx_rotary_without_minus(x: mx.array, cos: mx.array, sin: mx.array) -> mx.array:
    a, b = mx.split(x, 2, axis=-1)
    return mx.concatenate([a * cos + b * sin, b * cos + a * sin], axis=-1)


class MlxRotary:
    def __init__(self, dims: int = 16) -> None:
        self.dims = dims

    def __call__(self, x: mx.array, offset: int = 0) -> mx.array:
        return mx.fast.rope(x, self.dims, traditional=True, base=10000.0, scale=1.0, offset=offset)
