"""`vaekit encode`."""

from __future__ import annotations

import vaekit
from vaekit.cli.command_options import EncodeOptions
from vaekit.cli.output import Result
from vaekit.cli.places import place_of
from vaekit.cli.spelling import counted


def encode(options: EncodeOptions) -> Result:
    """Posterior means and standard deviations of images, with labels and names where there are any."""
    out = place_of("encode", options)
    encoded = vaekit.encode(
        options.run,
        options.data,
        label=options.label,
        split=options.split,
        out=out,
        device=options.device,
    )
    arrays = encoded.arrays()
    first = next(iter(arrays.values()))  # (N, D), or a grid of codes (N, h, w)
    values = {
        "run": options.run,
        "data": encoded.source,
        "split": options.split,
        "out": str(out),
        "images": len(first),
        "latent_dim": first[0].size,
        "arrays": list(arrays),
        "finite": encoded.finite,
    }
    what = counted(len(first), "code" if encoded.embedding is None else "embedding")
    text = f"{what} of {counted(first[0].size, 'dimension')} in {out}: {', '.join(arrays)}"
    return Result(values, text)
