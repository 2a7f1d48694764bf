"""Decodes a .vk file of binary pixels with its model inside: from docs/format.md alone, in numpy, without vaekit."""

# fmt: off
import json
import lzma
import struct
import sys
import zlib
from pathlib import Path

import numpy as np

U = np.uint64

def unpack(data, size):
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 2**24}]).decompress(data, size)

def text(data):
    return json.loads(unpack(data[4:], struct.unpack("<I", data[:4])[0]))

def blocks(data):
    at = 8
    while data[at : at + 4] in (b"HEAD", b"MODL", b"PART"):
        kind, _, length, _, crc, own = struct.unpack("<4sIQ8sII", data[at : at + 32])
        payload = data[at + 32 : at + 32 + length]
        assert own == zlib.crc32(data[at : at + 28]) and crc == zlib.crc32(payload)
        yield kind, payload
        at += 32 + length

def arrays(data):
    length = struct.unpack("<I", data[:4])[0]
    facts, found, at = text(data[4 : 4 + length]), {}, 0
    table = [(name, shape, np.dtype(kind)) for name, shape, kind, _ in facts["arrays"]]
    sizes = [int(np.prod(shape)) * kind.itemsize for _, shape, kind in table]
    raw = unpack(data[4 + length :], sum(sizes))
    for (name, shape, kind), size in zip(table, sizes, strict=True):
        planes = np.frombuffer(raw[at : at + size], np.uint8).reshape(kind.itemsize, -1)
        found[name] = np.ascontiguousarray(planes.T).view(kind).reshape(shape).astype(np.int64)
        at += size
    return facts["about"], found

def table(knots, x, low, step, extra, ends=(0, 0)):
    high = low + ((len(knots) - 1) << step)
    within = np.clip(x, low, high) - low
    k = np.minimum(within >> step, len(knots) - 2)
    f = within - (k << step)
    y = (knots[k] * ((1 << step) - f) + knots[k + 1] * f + (1 << (step + extra) >> 1)) >> (step + extra)
    return y + ends[0] * np.minimum(x - low, 0) + ends[1] * np.maximum(x - high, 0)

def run(program, held, values):
    for op in program["ops"]:
        x, n, kind = values[op["in"][0]], len(values[op["in"][0]]), op["op"]
        if kind == "linear":
            w, b = held[op["weight"]].astype(float), held[op["bias"]]
            y = np.floor((x.reshape(-1, w.shape[1]).astype(float) @ w.T + b) * 2.0 ** -op["shift"]).astype(np.int64).reshape(n, -1)
        elif kind == "table":
            y = table(held[op["knots"]], x, op["low"], op["step"], op["extra"], op["ends"])
        elif kind == "gather":
            y = np.concatenate([x, np.zeros((n, op["block"]), np.int64)], 1).reshape(n, -1, op["block"])
            y = y[:, held[op["index"]]].reshape(n, -1)
        elif kind == "shift":
            y = x >> op["bits"] if op["bits"] >= 0 else x << -op["bits"]
        elif kind == "clamp":
            y = np.clip(x, op["low"], op["high"])
        else:
            y = (sum if kind == "add" else lambda all: np.concatenate(all, 1))([values[name] for name in op["in"]])
        values[op["out"]] = y
    return {name: values[key] for name, key in program["outputs"].items()}

class Stack:
    def __init__(self, data):
        count, number = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:], "little")
        lengths = [(number >> 5 * i & 31) + 31 for i in range(count)]
        number, self.heads = number >> 5 * count, np.zeros(count, U)
        for i, length in enumerate(lengths):
            self.heads[i] = 1 << length | number & ((1 << length) - 1)
            number >>= length
        self.words = np.frombuffer(data[2 + (5 * count + sum(lengths) + 7) // 8 :], "<u4").tolist()

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
    model, numbers = about["model"], []
    while len(numbers) < 1 or len(numbers) < 2 * numbers[0] + 3:
        end = next(i for i in range(len(data)) if data[i] < 128) + 1
        numbers.append(sum((byte & 127) << 7 * i for i, byte in enumerate(data[:end])))
        data = data[end:]
    rounds = [numbers[i] for i in range(1, 2 * numbers[0], 2) for _ in range(numbers[i + 1])]
    stack, normal, values, size = Stack(data), held["table.normal"], np.prod(model["shape"]), model["latent_dim"]
    encoder, decoder = ({k[14:]: v for k, v in held.items() if k[6:13] == s} for s in ("encoder", "decoder"))
    k = np.arange(1, 2**13) << 23
    i = np.searchsorted(normal, k, "right") - 1
    places = (-7 << 20) + (i << 14) + (((k - normal[i]) << 14) // (normal[i + 1] - normal[i]))
    edges, centres = np.concatenate([[-(2**31)], places[1::2], [2**31]]), (places[::2] + 128) >> 8
    found, wide = [], np.maximum.accumulate([0, *rounds])
    for number, n in reversed(list(enumerate(rounds))):
        z, x = np.zeros((n, size), np.int64), np.zeros((n, values), np.int64)
        for d in range(size):
            z[:, d] = slot = stack.heads[:n] & U(4095)
            stack.pop(n, slot, np.ones(n, U), 12)
        raw = run(model["decoder"], decoder, {"z": centres[z]})["raw"]
        one = np.clip(table(held["table.sigmoid"], raw, -17 << 12, 7, 8), 1, 2**24 - 1).astype(U)
        for v in range(values):
            zero = U(2**24) - one[:, v]
            x[:, v] = is_one = (stack.heads[:n] & U(2**24 - 1)) >= zero
            stack.pop(n, zero * is_one, np.where(is_one, one[:, v], zero), 24)
        q = run(model["encoder"], encoder, {"x": x})
        for d in reversed(range(size)):
            mean = np.clip(q["mean"][:, d] << 8, -(32 << 20), 32 << 20)
            inverse = table(held["table.inverse_scale"], -q["log_variance"][:, d], -10 << 12, 6, 0)
            at = np.clip((edges[[z[:, d], z[:, d] + 1]] - mean) * inverse >> 16, -7 << 20, (7 << 20) - 1) + (7 << 20)
            k, f = at >> 14, at & 16383
            low, high = ((normal[k] + ((normal[k + 1] - normal[k]) * f >> 14)) >> 8).astype(U)
            stack.push(n, low, high - low, 28)
            place = stack.heads[:n] & U(2**28 - 1)
            stack.heads[:n] += (place - U(1013904223)) * U(pow(2654435761, -1, 2**28)) % U(2**28) - place
        found.append(x.astype(np.uint8))
        stack.words += (stack.heads[wide[number] :] & U(2**32 - 1)).tolist()
        stack.heads = stack.heads[: wide[number]].copy()
    return np.concatenate(found)

def main(file, out):
    parts = []
    for kind, payload in blocks(Path(file).read_bytes()):
        if kind == b"HEAD":
            head = text(payload)
        elif kind == b"MODL":
            model = arrays(payload)
        else:
            _, _, pictures, coder, crc, *ends = struct.unpack("<QIIB3xIIII", payload[:36])
            levels = decode(*model, payload[36 + ends[0] : 36 + ends[0] + ends[1]], pictures)
            assert coder == 0 and zlib.crc32(levels, zlib.crc32(payload[:16])) == crc
            parts.append((levels * 255).reshape(-1, *head["shape"]))
    np.savez(out, images=np.concatenate(parts))

if __name__ == "__main__":
    main(*sys.argv[1:])
