"""The runs of `notes.py`: good ones, and ones that learned too little with the kind of note that each must have.

What is not said here is what `vaekit.train` chooses from the data.
"""

from __future__ import annotations

from typing import Any

Options = dict[str, Any]

GOOD: dict[str, tuple[str, str, Options]] = {  # name -> method, set, options
    "vae": ("vae", "digits", {}),
    "cvae": ("cvae", "digits", {}),
    "ae": ("ae", "digits", {}),
    "iwae": ("iwae", "digits", {"samples": 3}),
    "vqvae": ("vqvae", "digits", {}),
    "vqvae of fixed codes": ("vqvae", "digits", {"quantizer": "fsq"}),
    "gan": ("gan", "digits", {"epochs": 20}),
    "beta-vae": ("beta-vae", "digits", {}),
    "beta-tcvae": ("beta-tcvae", "digits", {}),
    "two latents": ("vae", "digits", {"latent_dim": 2}),
    "another seed": ("vae", "digits", {"seed": 1, "epochs": 20}),
    "bce": ("vae", "digits", {"likelihood": "bce"}),
    "binary digits": ("vae", "binary digits", {}),
    "KL warm-up": ("vae", "digits", {"kl_warmup": 0.3}),
    "KL rising to the end": ("vae", "digits", {"kl_warmup": 1.0}),
    "cyclical KL": ("vae", "digits", {"kl_warmup": 0.5, "beta_schedule": "cyclical"}),
    "constant rate": ("vae", "digits", {"schedule": "constant"}),
    "stopped early": ("vae", "digits", {"epochs": 60, "patience": 8}),
    "from the mean": ("vae", "digits", {"init": "random"}),
    "strokes": ("vae", "strokes", {}),
    "photos": ("vae", "photos", {}),
    "wine": ("vae", "wine", {}),
    "wine, ae": ("ae", "wine", {}),
    "breast cancer": ("vae", "cancer", {}),
    "linear rows": ("vae", "normals", {}),
    "going on at a low rate": (
        "vae",
        "digits",
        {"start": {"epochs": 10}, "epochs": 1, "learning_rate": 1e-5},
    ),
}

BAD: dict[str, tuple[str, str, Options, str]] = {  # name -> method, set, options, kind of its note
    "1 epoch": ("vae", "digits", {"epochs": 1}, "steps"),
    "2 epochs": ("vae", "digits", {"epochs": 2}, "steps"),
    "2 epochs, 3 latents": ("vae", "digits", {"epochs": 2, "latent_dim": 3, "width": 16}, "steps"),
    "20 steps, cvae": ("cvae", "digits", {"steps": 20}, "steps"),
    "30 steps, ae": ("ae", "digits", {"steps": 30}, "steps"),
    "40 steps, bce": ("vae", "digits", {"likelihood": "bce", "steps": 40}, "steps"),
    "2 epochs, vqvae": ("vqvae", "digits", {"epochs": 2}, "steps"),
    "3 epochs": ("vae", "digits", {"epochs": 3}, "unfinished"),
    "10 steps, gan": ("gan", "digits", {"steps": 10}, "steps"),
    "warm-up of 5000 steps": ("vae", "digits", {"epochs": 5, "warmup": 5000}, "warm-up"),
    "warm-up of 1000 steps, bce": ("vae", "digits", {"likelihood": "bce", "epochs": 10, "warmup": 1000}, "warm-up"),
    "batch of everything": ("vae", "digits", {"epochs": 30, "batch_size": 2000}, "batch"),
    "batch of everything, beta-vae": ("beta-vae", "digits", {"epochs": 30, "batch_size": 2000}, "batch"),
    "beta 1000": ("vae", "digits", {"epochs": 15, "beta": 1000.0}, "weight"),
    "beta 1000, wine": ("vae", "wine", {"beta": 1000.0}, "weight"),
    "beta 100, bce": ("vae", "digits", {"likelihood": "bce", "epochs": 20, "beta": 100.0}, "weight"),
    "beta 1000, shapes": ("vae", "shapes", {"epochs": 30, "beta": 1000.0}, "weight"),
    "capacity 0": ("capacity-vae", "digits", {"epochs": 20, "capacity": 0.0}, "weight"),
    "rate 1e-6": ("vae", "digits", {"epochs": 15, "learning_rate": 1e-6}, "rate"),
    "rate 1e-6, bce": ("vae", "digits", {"likelihood": "bce", "epochs": 15, "learning_rate": 1e-6}, "rate"),
    "rate 1e-6, ae": ("ae", "digits", {"epochs": 15, "learning_rate": 1e-6}, "rate"),
    "rate 1e-6, gan": ("gan", "digits", {"epochs": 15, "learning_rate": 1e-6}, "rate"),
    "rate 1e-5, strokes": ("vae", "strokes", {"epochs": 5, "learning_rate": 1e-5}, "rate"),
    "rate 0.3": ("vae", "digits", {"epochs": 15, "learning_rate": 0.3}, "diverged"),
    "rate 0.3, ae": ("ae", "digits", {"epochs": 15, "learning_rate": 0.3}, "diverged"),
    "rate 0.05, gan": ("gan", "digits", {"epochs": 15, "learning_rate": 0.05}, "samples"),
    "stopped at once": ("vae", "strokes", {"epochs": 15, "patience": 2, "width": 512}, "stopped"),
    "few photos": ("vae", "few photos", {"epochs": 40, "weights": "last"}, "by heart"),
    "sigma 5": ("vae", "digits", {"likelihood": "gaussian", "sigma": 5.0, "epochs": 15}, "collapse"),
    "dead codes": ("vqvae", "digits", {"epochs": 15, "quantizer": "gradient", "kmeans": False, "revive": False}, "codes"),
}  # fmt: skip
