"""Decodes a .vk file of binary pixels with its model inside: written from docs/format.md alone, in numpy, without vaekit.

    python foreign_decoder.py FILE.vk OUT.npz
"""

import json
import lzma
import struct
import sys
import zlib

import numpy as np

U = np.uint64


def unpack(data, size):
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**24}]
    found = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(data)
    assert len(found) == size
    return found


def text(data):
    return json.loads(unpack(data[4:], struct.unpack("<I", data[:4])[0]))


def blocks(data):
    at = 8
    while data[at : at + 4] in (b"HEAD", b"MODL", b"PART", b"INDX"):
        kind, number, length, _, crc, own = struct.unpack("<4sIQ8sII", data[at : at + 32])
        payload = data[at + 32 : at + 32 + length]
        assert own == zlib.crc32(data[at : at + 28]) and crc == zlib.crc32(payload)
        yield kind, payload
        at += 32 + length


def arrays(data):
    length = struct.unpack("<I", data[:4])[0]
    facts = text(data[4 : 4 + length])
    sizes = [int(np.prod(shape)) * np.dtype(kind).itemsize for _, shape, kind, _ in facts["arrays"]]
    raw, found, at = unpack(data[4 + length :], sum(sizes)), {}, 0
    for (name, shape, kind, _), size in zip(facts["arrays"], sizes):
        planes = np.frombuffer(raw[at : at + size], np.uint8).reshape(np.dtype(kind).itemsize, -1)
        found[name] = np.ascontiguousarray(planes.T).view(kind).reshape(shape).astype(np.int64)
        at += size
    return facts["about"], found


def table(knots, x, low, step, extra, ends=(0, 0)):
    high = low + (len(knots) - 1 << step)
    within = np.clip(x, low, high - 1) - low
    k, f = within >> step, within & (1 << step) - 1
    y = knots[k] * ((1 << step) - f) + knots[k + 1] * f
    y = np.where(x >= high, knots[-1] << step, y)
    y = (y + (1 << step + extra >> 1)) >> step + extra
    return y + ends[0] * np.minimum(x - low, 0) + ends[1] * np.maximum(x - high, 0)


def run(program, held, inputs):
    values = dict(inputs)
    for op in program["ops"]:
        x, kind = values[op["in"][0]], op["op"]
        n = len(x)
        if kind == "linear":
            w, b = held[op["weight"]].astype(float), held[op["bias"]]
            y = x.reshape(-1, w.shape[1]).astype(float) @ w.T + b
            y = np.floor(y / 2.0 ** op["shift"]).astype(np.int64).reshape(n, -1)
        elif kind == "table":
            y = table(held[op["knots"]], x, op["low"], op["step"], op["extra"], op["ends"])
        elif kind == "gather":
            y = np.concatenate([x, np.zeros((n, op["block"]), np.int64)], 1)
            y = y.reshape(n, -1, op["block"])[:, held[op["index"]]].reshape(n, -1)
        elif kind == "shift":
            y = x >> op["bits"] if op["bits"] >= 0 else x << -op["bits"]
        elif kind == "clamp":
            y = np.clip(x, op["low"], op["high"])
        elif kind == "add":
            y = sum(values[name] for name in op["in"])
        else:
            y = np.concatenate([values[name] for name in op["in"]], 1)
        values[op["out"]] = y
    return {name: values[key] for name, key in program["outputs"].items()}


class Stack:
    def __init__(self, data):
        count = int.from_bytes(data[:2], "little")
        bits = int.from_bytes(data[2:], "little")
        lengths = [(bits >> 5 * i & 31) + 31 for i in range(count)]
        end = 2 + (5 * count + sum(lengths) + 7) // 8
        bits >>= 5 * count
        self.heads = np.zeros(count, U)
        for i, length in enumerate(lengths):
            self.heads[i] = 1 << length | bits & (1 << length) - 1
            bits >>= length
        self.words = np.frombuffer(data[end:], "<u4").tolist()

    def pop(self, n, start, freq, bits):
        x = freq * (self.heads[:n] >> U(bits)) + (self.heads[:n] & U((1 << bits) - 1)) - start
        low = np.flatnonzero(x < U(1 << 31))
        if low.size:
            x[low] = x[low] << U(32) | np.array(self.words[-low.size :], U)
            del self.words[-low.size :]
        self.heads[:n] = x

    def push(self, n, start, freq, bits):
        x = self.heads[:n].copy()
        full = np.flatnonzero(x >= freq << U(63 - bits))
        self.words += (x[full] & U(2**32 - 1)).tolist()
        x[full] >>= U(32)
        self.heads[:n] = (x // freq << U(bits)) + x % freq + start


def decode(about, held, data, count):
    def varint():
        nonlocal data
        number = shift = 0
        while True:
            byte, data = data[0], data[1:]
            number, shift = number | (byte & 127) << shift, shift + 7
            if byte < 128:
                return number

    model, values = about["model"], int(np.prod(about["model"]["shape"]))
    side = {s: {k[7 + len(s) :]: v for k, v in held.items() if k.startswith(f"model.{s}.")} for s in ("encoder", "decoder")}
    rounds = [size for size, times in [(varint(), varint()) for _ in range(varint())] for _ in range(times)]
    varint(), varint()
    stack, normal = Stack(data), held["table.normal"]
    k = np.arange(1, 2**13) << 23  # halves of bins: place where the normal table reaches k
    i = np.searchsorted(normal, k, "right") - 1
    places = (-7 << 20) + (i << 14) + ((k - normal[i] << 14) // (normal[i + 1] - normal[i]))
    edges = np.concatenate([[-(2**31)], places[1::2], [2**31]])
    centres = places[::2] + 128 >> 8
    found = np.zeros((count, values), np.uint8)
    wide, first = np.maximum.accumulate([0, *rounds]), 0
    for number in reversed(range(len(rounds))):
        n = rounds[number]
        z = np.zeros((n, model["latent_dim"]), np.int64)
        for d in range(model["latent_dim"]):
            z[:, d] = (slot := stack.heads[:n] & U(4095)).astype(np.int64)
            stack.pop(n, slot, np.ones(n, U), 12)
        raw = run(model["decoder"], side["decoder"], {"z": centres[z]})["raw"]
        one = np.clip(table(held["table.sigmoid"], raw, -17 << 12, 7, 8), 1, 2**24 - 1)
        x = np.zeros((n, values), np.int64)
        for v in range(values):
            zero = U(2**24) - one[:, v].astype(U)
            is_one = (stack.heads[:n] & U(2**24 - 1)) >= zero
            x[:, v] = is_one
            stack.pop(n, zero * is_one, np.where(is_one, U(2**24) - zero, zero), 24)
        q = run(model["encoder"], side["encoder"], {"x": x})
        scale = held["table.inverse_scale"][::-1]
        for d in reversed(range(model["latent_dim"])):
            mean = np.clip(q["mean"][:, d] << 8, -(32 << 20), 32 << 20)
            at = np.clip(q["log_variance"][:, d], -20 << 12, 10 << 12)
            inverse = table(held["table.inverse_scale"], -at, -10 << 12, 6, 0)
            low, high = (below(normal, (edges[z[:, d] + j] - mean) * inverse >> 16) for j in (0, 1))
            stack.push(n, low.astype(U), (high - low).astype(U), 28)
            place = stack.heads[:n] & U(2**28 - 1)
            stack.heads[:n] += (place - U(1013904223)) * U(pow(2654435761, -1, 2**28)) % U(2**28) - place
        found[first : first + n] = x
        first += n
        spare, stack.heads = stack.heads[wide[number] :], stack.heads[: wide[number]].copy()
        stack.words += (spare & U(2**32 - 1)).tolist()
    return found


def below(normal, x):
    x = np.clip(x, -7 << 20, (7 << 20) - 1) + (7 << 20)
    k = x >> 14
    return normal[k] + ((normal[k + 1] - normal[k]) * (x & 16383) >> 14) >> 8


def main(file, out):
    data = open(file, "rb").read()
    parts, head, model = [], None, None
    for kind, payload in blocks(data):
        if kind == b"HEAD":
            head = text(payload)
        elif kind == b"MODL":
            model = arrays(payload)
        elif kind == b"PART":
            _, count, pictures, coder, crc, *lengths = struct.unpack("<QIIB3xIIII", payload[:36])
            pixels = payload[36 + lengths[0] : 36 + lengths[0] + lengths[1]]
            assert coder == 0
            levels = decode(*model, pixels, pictures)
            assert zlib.crc32(levels) == crc
            parts.append((levels * 255).reshape(-1, *head["shape"]))
    np.savez(out, images=np.concatenate(parts))


if __name__ == "__main__":
    main(*sys.argv[1:])
