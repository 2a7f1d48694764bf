"""Limits of requests, and bytes made into tensors. Whatever is wrong is a `Refused`."""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path

import numpy as np
import torch
from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect
from torch import Tensor

from vaekit.data.formats import picture_files as files

MOST_UPLOAD = 20_000_000  # bytes of an image file
MOST_IMAGE_PIXELS = 40_000_000  # of an image file, before it is brought to the run's size
MOST_PICTURES = 512  # decoded for one request
MOST_VALUES = 24_000_000  # of all pictures of one request
MOST_LATENT = 1e4  # absolute value of a latent: far beyond any prior
SECONDS = 20  # for a body to arrive
MOST_ARRIVING = 100_000_000  # bytes of all bodies that arrive at a time
RETRY_SECONDS = 2  # that a client has to wait when it cannot be served now

_arriving = [0]  # bytes that are held of bodies that have not arrived entirely


class Refused(HTTPException):
    """A request that cannot be answered; the detail is one line."""

    def __init__(self, status: int, line: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, line, headers)


def busy(line: str) -> Refused:
    """Returns a refusal with 503 that says when to come again."""
    return Refused(503, line, {"retry-after": str(RETRY_SECONDS)})


async def read_body(request: Request, most: int) -> bytes:
    """The body of a request.

    Raises:
        Refused: 400 no number in Content-Length, or the client has gone; 408 too slow, 413 too long, 503 too many
            at a time.
    """
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()):
        raise Refused(400, "Content-Length is not a number")
    if len(declared) > 18 or int(declared) > most:
        raise Refused(413, f"at most {most:,} bytes are taken here")
    parts, size = [], 0
    try:
        async with asyncio.timeout(SECONDS):
            async for part in request.stream():
                size += len(part)
                _arriving[0] += len(part)
                if size > most:
                    raise Refused(413, f"at most {most:,} bytes are taken here")
                if _arriving[0] > MOST_ARRIVING:
                    raise busy("too much is sent to the server at once; try again in a moment")
                parts.append(part)
    except ClientDisconnect:
        raise Refused(400, "the request ended before all of it had arrived") from None
    except TimeoutError:
        raise Refused(408, f"the request took longer than {SECONDS} s to arrive") from None
    finally:
        _arriving[0] -= size
    return b"".join(parts)


def read_latents(body: bytes, dimensions: int, values: int) -> Tensor:
    """Latents (N, D) from little-endian float32.

    Args:
        dimensions: D.
        values: of one picture, which bounds N.

    Raises:
        Refused: 422 no whole number of latents, none, or numbers that are no place in latent space; 413 too many.
    """
    if not body or len(body) % (4 * dimensions):
        raise Refused(422, f"{len(body)} bytes are no latents of {dimensions} float32 numbers each")
    latents = np.frombuffer(body, "<f4").reshape(-1, dimensions)
    most = most_pictures(values)
    if len(latents) > most:
        raise Refused(413, f"at most {most} latents at a time, not {len(latents)}")
    if not (np.abs(latents) <= MOST_LATENT).all():
        raise Refused(422, f"latents must be finite and within ±{MOST_LATENT:g}")
    return torch.from_numpy(latents.astype(np.float32))


def most_pictures(values: int) -> int:
    """Returns how many pictures of `values` values each one request may ask for."""
    return max(1, min(MOST_PICTURES, MOST_VALUES // values))


def read_classes(text: str | None, classes: int, count: int) -> Tensor | None:
    """Class numbers of latents: one for all, or one each with commas; None for a model without classes.

    Raises:
        Refused: 422 missing, not numbers, out of range, or of another count.
    """
    if not classes:
        if text is not None:
            raise Refused(422, "y: this model has no classes")
        return None
    words = (text or "").split(",")
    if len(words) not in (1, count) or not all(w.isascii() and w.isdigit() and len(w) < 7 for w in words):
        raise Refused(422, f"y: wants a class from 0 to {classes - 1}, or one for each of {count}")
    numbers = torch.tensor([int(word) for word in words])
    if int(numbers.max()) >= classes:
        raise Refused(422, f"y: classes go from 0 to {classes - 1}")
    return numbers.expand(count)


def read_pixels(body: bytes, shape: tuple[int, int, int]) -> Tensor:
    """One image (1, C, H, W) uint8.

    Raises:
        Refused: 422 not its number of bytes.
    """
    values = shape[0] * shape[1] * shape[2]
    if len(body) != values:
        raise Refused(
            422, f"an image of {shape[0]}x{shape[1]}x{shape[2]} has {values} bytes, not {len(body)}"
        )
    return torch.frombuffer(bytearray(body), dtype=torch.uint8).view(1, *shape)


def read_file(body: bytes, plan: files.Plan) -> bytes:
    """The pixels (C, H, W) of an image file, brought to the run's size and channels as its data were.

    Raises:
        Refused: 422 no image or a damaged one; 413 too many pixels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, about files that it reads nevertheless
        header = files.probe(Path("image"), body)
        if isinstance(header, files.Bad):
            raise Refused(422, f"this cannot be read as an image: {header.reason}")
        if header.size[0] * header.size[1] > MOST_IMAGE_PIXELS:
            raise Refused(413, f"at most {MOST_IMAGE_PIXELS:,} pixels, not {header.size[1]}x{header.size[0]}")
        decoded = files.decode(header, plan, body)
    if isinstance(decoded, files.Bad):
        raise Refused(422, f"this cannot be read as an image: {decoded.reason}")
    return decoded.pixels.tobytes()
