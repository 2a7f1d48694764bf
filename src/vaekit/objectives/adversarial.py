"""The objective of a GAN: two phases in each step, one for the discriminator and one for the generator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vaekit.config.configured import options_of
from vaekit.config.objective_options import AdversarialSettings
from vaekit.core import Loss
from vaekit.models import Model
from vaekit.models.capabilities import Discriminates, check_needs
from vaekit.objectives.base import Objective, Phase


class Adversaries(Discriminates, Protocol):
    """Two networks against each other."""

    generator: nn.Module
    discriminator: nn.Module


class Adversarial(Objective):
    """The non-saturating loss with a penalty on the discriminator's gradient at real images.

    D minimises -log s(D(x)) - log (1 - s(D(G(z)))) + penalty / 2 |dD/dx|², and G minimises
    -log s(D(G(z))), s the logistic function (Goodfellow et al. 2014, section 3; R1 of Mescheder et al.
    2018, eq. 9). Neither loss says how good the images are, so no weights are best: the last are kept.
    `penalty` is the gamma of the latter.

    Example:
        >>> history = vaekit.fit(vaekit.GAN(data.shape), vaekit.Adversarial(penalty=0.5), data, steps=2, progress=False)
    """

    criterion = None
    needs = (Discriminates,)

    @options_of(AdversarialSettings)
    def __init__(self, options: AdversarialSettings) -> None:
        super().__init__(options)
        self.penalty = options.penalty

    def forward(self, model: Model, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        """Both losses side by side, without the penalty: for measuring.

        Args:
            model: what `needs` says.
            x: (B, *shape), as it is shown to the model.
            y: (B,) labels, or None.
            values: what is scheduled, as `values` returns it.
        """
        gan = cast(Adversaries, model)
        fake = gan.judge(gan.draw(len(x), y), y)
        discriminator, generator = F.softplus(-gan.judge(x, y)) + F.softplus(fake), F.softplus(-fake)
        terms = {"discriminator_loss_nats": discriminator, "generator_loss_nats": generator}
        return Loss((discriminator + generator).mean(), terms)

    def phases(self, model: Model) -> list[Phase]:
        check_needs(model, self.needs, type(self).__name__)
        gan = cast(Adversaries, model)
        return [
            Phase("discriminator", Discrimination(gan, self.penalty), gan.discriminator.parameters()),
            Phase("generator", Generation(gan), gan.generator.parameters()),
        ]


class Discrimination(nn.Module):
    """The discriminator's phase; the generator is fixed."""

    def __init__(self, model: Adversaries, penalty: float) -> None:
        super().__init__()
        self.model, self.penalty = model, penalty

    def forward(self, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        with torch.no_grad():
            fake = self.model.draw(len(x), y)
        real = x.detach().requires_grad_(self.penalty > 0)
        judged = self.model.judge(real, y)
        loss = F.softplus(-judged) + F.softplus(self.model.judge(fake, y))
        terms = {"discriminator_loss_nats": loss}
        if self.penalty > 0:
            (slope,) = torch.autograd.grad(judged.sum(), real, create_graph=True)
            slope = cast(Model, self.model).per_standard_unit(slope)
            charged = self.penalty / 2 * slope.square().flatten(1).sum(1)
            loss, terms = loss + charged, terms | {"gradient_penalty_nats": charged}
        return Loss(loss.mean(), terms)


class Generation(nn.Module):
    """The generator's phase; the discriminator is fixed."""

    def __init__(self, model: Adversaries) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, y: Tensor | None, values: Mapping[str, float]) -> Loss:
        loss = F.softplus(-self.model.judge(self.model.draw(len(x), y), y, fixed=True))
        return Loss(loss.mean(), {"generator_loss_nats": loss})
