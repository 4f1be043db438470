"""Writes noise.json: the first draws of some noise streams, from the definitions alone (Python's standard library).

Philox4x32-10 of Salmon, Moraes, Dror & Shaw (SC 2011, doi:10.1145/2063384.2063405); key = seed, upper half of the
counter = FNV-1a of the stream's name, lower half = number of the block of four words. Run: python3 noise.py > noise.json
"""

import itertools
import json
import statistics
import struct

MASK = 0xFFFFFFFF


def philox(counter, key):
    for _ in range(10):
        low, high = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [high >> 32 ^ counter[1] ^ key[0], high & MASK, low >> 32 ^ counter[3] ^ key[1], low & MASK]
        key = [key[0] + 0x9E3779B9 & MASK, key[1] + 0xBB67AE85 & MASK]
    return counter


def fnv1a(text):
    code = 0xCBF29CE484222325
    for byte in text.encode():
        code = (code ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return code


def words(seed, name, position):
    stream = fnv1a(name)
    for position in itertools.count(position):
        block = position // 4
        counter = [block & MASK, block >> 32 & MASK, stream & MASK, stream >> 32]
        yield philox(counter, [seed & MASK, seed >> 32])[position % 4]


def permutation(stream, n):
    """Fisher and Yates from the top, with Lemire's integers (ACM TOMACS 29, 2019, doi:10.1145/3230636)."""
    order = list(range(n))
    for last in range(n - 1, 0, -1):
        bound = last + 1
        word = next(w for w in stream if w * bound & MASK >= 2**32 % bound)
        other = word * bound >> 32
        order[last], order[other] = order[other], order[last]
    return order


def single_bits(x):
    return struct.unpack("<I", struct.pack("<f", x))[0]


def draws(seed, name, position=0):
    def first(n):
        return list(itertools.islice(words(seed, name, position), n))

    probs = [0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0] * 4
    normal = statistics.NormalDist()
    return {
        "seed": seed,
        "stream": name,
        "position": position,
        "words": first(9),
        "uniform_times_2_to_24": [word >> 8 for word in first(17)],
        "normal_f32_bits": [single_bits(normal.inv_cdf((word + 0.5) / 2**32)) for word in first(33)],
        "probs": probs,
        "bernoulli": [int((word >> 8) / 2**24 < p) for word, p in zip(first(len(probs)), probs)],
        "permutation": permutation(words(seed, name, position), 23),
    }


STREAMS = [(0, "init"), (1, "chains"), (2**40 + 7, "shuffle/epoch-3"), (0, ""), (5, "far", 2**34 - 6)]
print(json.dumps({"source": "noise.py, in this folder", "streams": [draws(*stream) for stream in STREAMS]}, indent=1))
