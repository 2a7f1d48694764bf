"""Estimators: models as scikit-learn has them, for its pipelines, searches and cross-validations.

    from vaekit.estimators import VAE

    embedding = VAE(latent_dim=10, random_state=0).fit_transform(X)

Each fits, transforms, inverts and scores a matrix (N, features) in memory: no run folder is made, nothing is printed.
The models themselves are `vaekit.VAE` and its kin, of the same names: an estimator has one as `model_`.
"""

from __future__ import annotations

try:
    import sklearn  # noqa: F401  first, so that one line says what is missing
except ImportError:
    raise ImportError("vaekit.estimators needs scikit-learn: pip install 'vaekit[sklearn]'") from None

from vaekit.estimators.of_codes import VQVAE
from vaekit.estimators.of_latents import AE, VAE

__all__ = ["AE", "VAE", "VQVAE"]
