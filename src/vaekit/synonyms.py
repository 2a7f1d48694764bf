"""Words that people type for ours, as they know them from elsewhere. Imports nothing of ours."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

# Our word -> theirs, as `as_word` spells them. Of several of ours that have a word in common the first is taken that is
# known where it was typed.
THEIRS = {
    # options
    "learning_rate": "lr rate alpha step_size eta",
    "batch_size": "bs batch minibatch mini_batch",
    "latent_dim": "latents latent latent_dims latent_size n_latents num_latents z z_dim zdim dim dims n_components nz "
    "embedding_dim bottleneck",
    "code_dim": "embedding_dim",
    "codes": "num_embeddings codebook_size n_codes n_embed k",
    "count": "n num number n_samples num_samples samples n_images",
    "images": "n num number",
    "samples": "n_samples num_samples k",
    "epochs": "e epoch n_epochs num_epochs max_epochs passes",
    "steps": "iterations iters max_iter max_steps n_steps",
    "budget": "time max_time minutes seconds",
    "likelihood": "loss loss_fn recon_loss reconstruction reconstruction_loss criterion",
    "beta": "kl_weight kld_weight kl_coef lambda",
    "kl_warmup": "annealing kl_annealing warm_up beta_warmup",
    "network": "arch architecture encoder decoder backbone model",
    "width": "hidden hidden_dims hidden_layers layer_sizes hidden_dim hidden_size hidden_units channels filters units",
    "depth": "layers n_layers num_layers blocks",
    "seed": "random_state random_seed rng",
    "device": "gpu cuda accelerator",
    "out": "o output output_dir outdir save save_dir dest destination to",
    "data": "d dataset input dir folder path source images images_dir train_dir describe inspect info",
    "image_size": "size resize resolution img_size imsize",
    "validation": "val val_split test_size val_size validation_split",
    "optimizer": "optim opt optimiser",
    "weight_decay": "wd l2_penalty",
    "schedule": "scheduler lr_schedule lr_scheduler decay",
    "patience": "early_stopping early_stop",
    "clip": "grad_clip clip_norm gradient_clipping max_norm",
    "average": "ema swa polyak",
    "precision": "amp dtype mixed_precision fp",
    "label": "class y classes target",
    "y": "label labels class classes target condition",
    "features": "skip_quality quality fid",
    "start": "resume pretrained checkpoint init_from weights_from",
    "from": "resume pretrained checkpoint init_from weights_from",
    "flip": "augment hflip mirror augmentation",
    "json": "as_json",
    "help": "? h hlp usage man options",
    "version": "v ver versions",
    "only": "figures figure which plots names",
    "empty": "clear clean delete purge remove",
    # values
    "gaussian": "mse l2 normal gauss mean_squared_error",
    "bce": "cross_entropy binary_cross_entropy",
    "categorical": "cross_entropy softmax discrete",
    "strided": "cnn conv convolutional convnet dcgan",
    "mlp": "fc dense linear fully_connected feedforward",
    "resnet": "residual resnet18 resnet50",
    "bf16": "fp16 half bfloat16 float16",
    "fp32": "float32 full single",
    "cpu": "none",
    "cuda": "gpu nvidia",
    "changed": "date time modified newest latest recent",
    "ended": "done finished complete completed",
    "fashion-mnist": "fashion",
    "trackio": "wandb weights_and_biases",
    "tensorboard": "tb tensorboardx",
    # methods
    "ae": "autoencoder auto_encoder",
    "vae": "variational variational_autoencoder",
    "beta-vae": "bvae b_vae betavae",
    "beta-tcvae": "tcvae tc_vae betatcvae",
    "vqvae": "vq vq_vae vector_quantized",
    "cvae": "conditional conditional_vae c_vae",
    # commands
    "train": "fit learn run",
    "sample": "generate draw synthesize decode",
    "figures": "plot plots figure visualize visualise draw",
    "explore": "ui app serve view web gui browse",
    "encode": "embed transform embeddings latents features",
    "evaluate": "eval test metrics measure benchmark validate",
    "score": "outliers outlier anomalies anomaly predict detect",
    "reconstruct": "denoise recon reconstruction autoencode",
    "runs": "list ls history status",
    "resume": "continue",
    "remove": "rm delete del clean",
    "search": "nearest similar neighbours neighbors knn find",
    "duplicates": "dedup dedupe duplicate",
    "interpolate": "morph lerp slerp interpolation",
    "compress": "zip pack code",
    "decompress": "unzip unpack extract",
    "push": "upload publish share hub push_to_hub",
    "check": "verify fsck",
    "prior": "density gmm",
    "export": "onnx convert save",
    "demo": "example quickstart start hello",
}

# What people ask of the package, and what has it.
NAMES = {
    "CVAE": "VAE(shape, classes=10)",
    "ConditionalVAE": "VAE(shape, classes=10)",
    "BetaVAE": 'VAE(shape) with ELBO(beta=4), or train("beta-vae", data)',
    "GMM": "prior(run)",
    "loss": "ELBO()(model, x)",
    "help": "help(vaekit.fit)",
    "runs": "list_runs(folder)",
    "data": "describe(source)",
    "load_model": "load(file) or load_run(folder)",
    "plot": "figures(run)",
}

CLOSE = 0.6  # likeness of two words at least


def as_word(name: str) -> str:
    """Spells a name with small letters and underscores: `--Learning-rate` as `learning_rate`."""
    return name.lstrip("-").replace("-", "_").lower()


def meant(word: str, known: list[str], alike: bool = True) -> str | None:
    """Finds the known name that a word stands for: the same spelt otherwise, a synonym, or the closest; None where none is near.

    Args:
        alike: takes names too that are merely like it.
    """
    names: Mapping[str, str] = {as_word(name): name for name in reversed(known)}
    word = as_word(word)
    if word in names:
        return names[word]
    for ours, theirs in THEIRS.items():
        if as_word(ours) in names and word in theirs.split():
            return names[as_word(ours)]
    if not alike:
        return None
    close = difflib.get_close_matches(word, list(names), n=1, cutoff=CLOSE)
    begun = [name for name in names if len(word) > 2 and name.startswith(word)]
    found = (begun if len(begun) == 1 else close) or begun
    return names[found[0]] if found else None
