"""Computes pseudo-random tensors from their names, with the same bits in every language."""

import math

import numpy as np


def fnv1a64(text):
    """Computes the 64-bit FNV-1a hash of a text."""
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return h


def uniform(name, shape):
    """Computes u(name, i), as __main__.py defines it, in float64."""
    z = np.arange(math.prod(shape), dtype=np.uint64)
    z += np.uint64((fnv1a64(name) + 0x9E3779B97F4A7C15) % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return ((z >> np.uint64(40)).astype(np.float64) / 2**23 - 1).reshape(shape)


def formula(name, shape, scale, shift=0.0):
    """Computes the tensor of this name in float32."""
    return (scale * uniform(name, shape) + shift).astype(np.float32)


def ten_bits(x):
    """Rounds x to 10 significant bits."""
    mantissa, exponent = math.frexp(x)
    return math.ldexp(round(mantissa * 1024), exponent - 10)
