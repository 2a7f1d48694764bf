"""Models: networks and distributions put together into p(x, z) and q(z|x)."""

from __future__ import annotations

from vaekit.models.ae import AE
from vaekit.models.autoencoder import Autoencoder
from vaekit.models.base import CodeDensity, Model
from vaekit.models.build import create_model
from vaekit.models.gan import GAN
from vaekit.models.latent import LatentModel
from vaekit.models.vae import VAE
from vaekit.models.vqvae import VQVAE

__all__ = ["AE", "GAN", "VAE", "VQVAE", "Autoencoder", "CodeDensity", "LatentModel", "Model", "create_model"]
