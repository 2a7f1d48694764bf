"""`vaekit encode`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vaekit.cli.command_options import EncodeOptions
from vaekit.cli.output import Result, check_out, note, write_codes
from vaekit.core import SettingError, choose

if TYPE_CHECKING:
    import numpy as np

    from vaekit.data import Data, Split

SUFFIXES = (".npz", ".csv")

SPLITS = ("all", "train", "validation", "test")


def encode(options: EncodeOptions) -> Result:
    """Posterior means and standard deviations of images, with labels and names where there are any."""
    out = Path(options.out) if options.out is not None else Path(options.run) / "codes.npz"
    check_out(out, SUFFIXES)
    choose(options.split, SPLITS, "split")
    import numpy as np

    from vaekit.models import VQVAE, LatentModel
    from vaekit.plots import encoded
    from vaekit.runs.load import load_run

    run = load_run(options.run, device=options.device)
    if not isinstance(run.model, LatentModel | VQVAE):
        raise SettingError(f"{options.run}: a {run.settings.method} has no encoder.")
    data = run.load_data(options.data, options.label)
    if options.data is not None:
        for line in data.notes:
            note(line)
    split = in_order(data) if options.split == "all" else data.splits[options.split]
    if len(split) == 0:
        raise SettingError(f"--split {options.split} of {data.source} holds no images.")
    arrays: dict[str, np.ndarray]
    if isinstance(run.model, VQVAE):
        arrays = {"codes": encoded.discrete(run.model, split.images).numpy()}
    else:
        posteriors = encoded.encode(run.model, split.images, split.labels)
        arrays = {"mean": posteriors.mean.numpy(), "std": posteriors.stddev.numpy()}
    if split.labels is not None:
        arrays["labels"] = split.labels.numpy()
    if split.names is not None:
        arrays["names"] = np.array(split.names)
    write_codes(out, arrays)
    first = next(iter(arrays.values()))  # (N, D), or a grid of codes (N, h, w)
    count, dimensions = len(first), first[0].size
    values = {
        "run": options.run,
        "data": data.source,
        "split": options.split,
        "out": str(out),
        "images": count,
        "latent_dim": dimensions,
        "arrays": list(arrays),
        "finite": bool(np.isfinite(first).all()),
    }
    return Result(values, f"{count:,} codes of {dimensions} dimensions in {out}: {', '.join(arrays)}")


def in_order(data: Data) -> Split:
    """All images, in the order of their names where they have any, else split after split."""
    import torch

    from vaekit.data import Split
    from vaekit.data.formats.folder import natural

    parts = [split for split in data.splits.values() if len(split)]
    labels = [split.labels for split in parts if split.labels is not None]
    names = [name for split in parts for name in split.names or []]
    together = Split(
        torch.cat([split.images for split in parts]),
        torch.cat(labels) if len(labels) == len(parts) else None,
        names or None,
    )
    if len(names) != len(together):
        return together
    return together.take(torch.tensor(sorted(range(len(names)), key=lambda i: natural(names[i]))))
