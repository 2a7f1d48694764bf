"""The lesson's sentences (§1, §6, §8, its use cases) as what they say about figures."""

from __future__ import annotations

from vaekit.comparison.claims import (
    OTHERS,
    Claim,
    Defined,
    HasDensity,
    LessVariance,
    Verdict,
    higher,
    judge,
    lower,
)
from vaekit.comparison.rows import Table

CLAIMS = (
    Claim(
        "§1",
        "An autoencoder's latent space is discontinuous, a VAE's continuous.",
        (lower("midpoint_fd", "vae", "ae"), higher("midpoint_precision", "vae", "ae")),
    ),
    Claim(
        "§1",
        "An autoencoder gives strange output for latents that no training image has.",
        (lower("normal_fd", "vae", "ae"), higher("normal_precision", "vae", "ae")),
    ),
    Claim(
        "§1",
        "An autoencoder is difficult to use as a generative model, even when it knows where its latents lie.",
        (lower("normal_fd", "vae", "ae"), lower("fitted_fd", "vae", "ae")),
    ),
    Claim("§6", "β > 1: the latent space is more regularised.", (lower("code_bits", "beta-vae", "vae"),)),
    Claim(
        "§6",
        # Their linear dependence alone would be no judge: on MNIST it is a few hundredths of a nat, with β and without.
        "β > 1: the dimensions are disentangled, each on its own (judged by their dependence alone, where total "
        "correlation is identified; not by what they mean).",
        (
            lower("aggregate_total_correlation_nats", "beta-vae", "vae"),
            higher("active_units", "beta-vae", 1.0),
        ),
    ),
    Claim(
        "§6",
        "The weight of the KL is paid for in reconstruction.",
        (higher("reconstruction_mse", "beta-vae", "vae"),),
    ),
    Claim("§8", "Training: a VAE is stable, a GAN unstable.", (LessVariance("vae", "gan"),)),
    Claim(
        "§8",
        "Images: those of a VAE tend to be blurry, those of a GAN are sharp.",
        (lower("sharpness", "vae", 0.9), higher("sharpness", "gan", 0.9)),
    ),
    Claim(
        "§8",
        "Images: a GAN's are of high quality.",
        (lower("fd", "gan", "vae"), higher("precision", "gan", "vae")),
    ),
    Claim(
        "§8",
        "Latent space: a VAE's is structured; a GAN's cannot be read, it encodes no image.",
        (higher("probe_accuracy", "vae", 0.5), Defined("probe_accuracy", "gan", False)),
    ),
    Claim(
        "§8",
        "Mode coverage: good for a VAE, a GAN may collapse.",
        (higher("recall", "vae", "gan"), higher("least_class", "vae", "gan")),
    ),
    Claim(
        "§8",
        "Density: possible with a VAE, not with a GAN.",
        (HasDensity("vae"), Defined("nll_nats", "gan", False)),
    ),
    Claim(
        "§8",
        "A VAE can both reconstruct and generate.",
        (Defined("reconstruction_mse", "vae"), Defined("fd", "vae")),
    ),
    Claim(
        "§8",
        "The KL term limits how much a VAE's latents carry.",
        (higher("reconstruction_mse", "vae", "ae"),),
    ),
    Claim("use cases", "Data generation: VAE or GAN.", (lower("fd", "vae gan", OTHERS),)),
    Claim(
        "use cases",
        "Latent space analysis: VAE, β-VAE above all.",
        (higher("probe_accuracy", "vae beta-vae", OTHERS), higher("probe_accuracy", "beta-vae", "vae")),
    ),
    Claim(
        "use cases",
        "High-quality images: GAN or VQ-VAE.",
        (lower("fd", "gan vqvae", OTHERS), higher("precision", "gan vqvae", OTHERS)),
    ),
    Claim("use cases", "Conditional generation: CVAE.", (higher("as_asked", "cvae", 0.9),)),
    Claim("use cases", "Compression and reconstruction: VAE.", (lower("reconstruction_mse", "vae", OTHERS),)),
)


def judge_all(table: Table) -> list[Verdict]:
    """Every claim, in the lesson's order."""
    return [judge(claim, table) for claim in CLAIMS]
