"""What vaekit is measured against: the lesson's network and loop in plain PyTorch, and pythae."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import tempfile
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset


class LessonVAE(nn.Module):
    """The lesson's §4 and §5 as written: sigmoid output, separate heads."""

    def __init__(self, latent_dim: int = 20) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.mean = nn.Linear(64 * 7 * 7, latent_dim)
        self.log_variance = nn.Linear(64 * 7 * 7, latent_dim)
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, 64 * 7 * 7),
            nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.encoder(x)
        return self.mean(h), self.log_variance(h)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance = self.encode(x)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decoder(z), mean, log_variance


def update(model: LessonVAE, optimizer: torch.optim.Optimizer, x: Tensor) -> float:
    """One step of the lesson's §10; the loss is read from the device every time, as there."""
    optimizer.zero_grad()
    rebuilt, mean, log_variance = model(x)
    reconstruction = F.binary_cross_entropy(rebuilt, x, reduction="sum")
    kl = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
    loss = (reconstruction + kl) / len(x)
    loss.backward()
    optimizer.step()
    return loss.item()


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images that become PIL pictures and then tensors one by one, as torchvision's MNIST with ToTensor does."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        import numpy as np
        from PIL import Image

        picture = Image.fromarray(self.images[index, 0].numpy())
        pixels = torch.from_numpy(np.array(picture, np.uint8, copy=True)).view(*picture.size[::-1], 1)
        return pixels.permute(2, 0, 1).contiguous().to(torch.float32).div(255), 0


def plain_epochs(
    model: LessonVAE, images: Tensor, epochs: int = 1, batch_size: int = 128, feed: str = "tensors"
) -> None:
    """The plain loop over uint8 images (N, 1, 28, 28).

    Args:
        model: trained with Adam, as in the lesson.
        images: uint8.
        epochs: passes.
        batch_size: of the lesson.
        feed: "tensors" (TensorDataset and DataLoader), "pictures" (as the lesson's) or "resident" (no loader).
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    floats = images.float() / 255
    dataset = Pictures(images) if feed == "pictures" else TensorDataset(floats, torch.zeros(len(images)))
    loader = DataLoader(dataset, batch_size=batch_size, shuffle=True)
    for _ in range(epochs):
        resident = (floats[rows] for rows in torch.randperm(len(images)).split(batch_size))
        for x in resident if feed == "resident" else (x for x, _ in loader):
            update(model, optimizer, x)


def as_ours(lesson: LessonVAE) -> dict[str, Tensor]:
    """Its weights under the names of vaekit's network, which has one layer for both heads."""
    state = lesson.state_dict()
    pairs = {
        "encoder.first": "encoder.0", "encoder.second": "encoder.2", "decoder.first": "decoder.0",
        "decoder.second": "decoder.2", "decoder.last": "decoder.4",
    }  # fmt: skip
    weights = {
        f"{own}.{kind}": state[f"{its}.{kind}"] for own, its in pairs.items() for kind in ("weight", "bias")
    }
    for kind in ("weight", "bias"):
        weights[f"encoder.head.{kind}"] = torch.cat([state[f"mean.{kind}"], state[f"log_variance.{kind}"]])
    return weights


@torch.no_grad()
def negative_elbo(model: LessonVAE, images: Tensor) -> float:
    """-ELBO (`bce`) of uint8 images (N, 1, 28, 28), nats per image, one sample each."""
    x = images.float() / 255
    rebuilt, mean, log_variance = model(x)
    kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
    nats = (F.binary_cross_entropy(rebuilt, x, reduction="sum") + kl) / len(x)
    return nats.item()


def pythae_vae(model: LessonVAE) -> Any:
    """pythae's VAE around the lesson's two networks. Wants `pip install pythae==0.1.2`."""
    logging.disable(logging.INFO)
    base, nets = importlib.import_module("pythae.models"), importlib.import_module("pythae.models.nn")
    output = importlib.import_module("pythae.models.base.base_utils").ModelOutput

    class Encoder(nets.BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.ModuleList([model.encoder, model.mean, model.log_variance])

        def forward(self, x: Tensor) -> Any:
            mean, log_variance = model.encode(x)
            return output(embedding=mean, log_covariance=log_variance)

    class Decoder(nets.BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model.decoder

        def forward(self, z: Tensor) -> Any:
            return output(reconstruction=self.inner(z))

    config = base.VAEConfig(
        input_dim=(1, 28, 28), latent_dim=model.mean.out_features, reconstruction_loss="bce"
    )
    return base.VAE(config, Encoder(), Decoder())


def pythae_epoch(model: LessonVAE, images: Tensor, batch_size: int = 128) -> None:
    """An epoch of pythae's trainer."""
    trainers = importlib.import_module("pythae.trainers")
    dataset = importlib.import_module("pythae.data.datasets").BaseDataset
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        config = trainers.BaseTrainerConfig(
            output_dir=folder, num_epochs=1, learning_rate=1e-3, per_device_train_batch_size=batch_size
        )
        data = dataset(images.float() / 255, torch.zeros(len(images)))
        trainers.BaseTrainer(pythae_vae(model), data, training_config=config).train()
