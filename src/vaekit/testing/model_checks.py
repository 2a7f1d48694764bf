"""Checks of what the model and the objective of a method promise."""

from __future__ import annotations

import json
from collections.abc import Callable

import torch

from vaekit.core import DataError, SettingError
from vaekit.data import Split
from vaekit.distributions.kl import log_density, log_importance_weights
from vaekit.inference import encode, reconstruct, sample
from vaekit.models.base import Model, evaluating
from vaekit.models.capabilities import Decodes, Encodes, HasPrior, Reconstructs
from vaekit.objectives.ramps import Clock
from vaekit.runs.load import load_run
from vaekit.testing.made_up import KINDS, Subject, batch, close, labels, made_up_data
from vaekit.training.fit import fit

SQUARES = {"mse", "commitment", "codebook"}  # terms that are no nats: squared distances of an image


def objective_fits_model(subject: Subject) -> None:
    """The model can do what the objective needs of it."""
    model, objective = subject.build()
    try:
        objective.check(model)
    except SettingError as error:
        raise AssertionError(str(error)) from error


def terms_are_nats_per_image(subject: Subject) -> None:
    """Terms have one finite number per image, in nats by their name, and those of the ELBO add up."""
    for pixels in subject.kinds():
        model, objective = subject.build(pixels)
        x = batch(pixels)
        loss = objective(model, x, labels(), objective.values(Clock(0, 1).end))
        assert loss.total.shape == (), "the total is a mean over the batch"
        assert objective.criterion is None or objective.criterion in loss.terms, "the criterion is a term"
        for name, term in loss.terms.items():
            assert term.shape[0] == len(x), f"{name} has one value per image"
            assert bool(term.isfinite().all()), f"{name} is finite"
            assert (name.endswith("_nats") or name in SQUARES) == (term.dim() == 1), f"{name} says its unit"
        if "kl_nats_by_dimension" in loss.terms:
            close(loss.terms["kl_nats"], loss.terms["kl_nats_by_dimension"].sum(1), "KL and its dimensions")
            parts = loss.terms["reconstruction_nats"] + loss.terms["kl_nats"]
            close(loss.terms["negative_elbo_nats"], parts, "-ELBO and its parts")


def steps_change_every_parameter(subject: Subject) -> None:
    """Two steps of all phases change every parameter of the model; phases have names of their own."""
    model, objective = subject.build()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    phases = objective.phases(model)
    assert len({phase.name for phase in phases}) == len(phases), "two phases have one name"
    optimizers = [torch.optim.Adam(list(phase.parameters), 4e-3) for phase in phases]
    for step in range(3):
        for phase, optimizer in zip(phases, optimizers, strict=True):
            loss = phase.loss(batch(), labels(), objective.values(Clock(step + 1, 3)))
            optimizer.zero_grad()
            loss.total.backward()
            optimizer.step()
    still = [name for name, parameter in model.named_parameters() if torch.equal(parameter, before[name])]
    assert not still, f"parameters that no phase changes: {', '.join(still)}"


def training_is_a_function_of_the_seed(subject: Subject) -> None:
    """Training lowers the criterion, and the same settings give the same weights to the bit."""
    data = made_up_data()
    ends, weights = [], []
    for epochs in (1, 15, 15):
        model, objective = subject.build()
        history = fit(
            model, objective, data, epochs=epochs, batch_size=20, learning_rate=0.02, warmup=0, device="cpu",
            precision="fp32", progress="none", weights="best" if objective.criterion else "last",
        )  # fmt: skip
        if objective.criterion is not None:
            ends.append(history.test.figures[objective.criterion])
        weights.append(model.state_dict())
    assert not ends or ends[1] < ends[0] - 0.1 * abs(ends[0]), (
        f"the criterion went from {ends[0]} to {ends[1]}"
    )
    assert all(torch.equal(weights[1][name], weights[2][name]) for name in weights[1]), "weights differ"


def arguments_build_the_same_again(subject: Subject) -> None:
    """As JSON they lose nothing, and weights of the one fit the other, which then says the same."""
    for pixels in subject.kinds():
        model, objective = subject.build(pixels)
        arguments = json.loads(json.dumps(model.arguments))
        assert arguments == model.arguments, "arguments are not JSON"
        twin = type(model)(**arguments)
        assert twin.arguments == model.arguments, "another model comes of its arguments"
        twin.load_state_dict(model.state_dict())
        again = type(objective)(**json.loads(json.dumps(objective.arguments)))
        assert again.arguments == objective.arguments, "another objective comes of its arguments"
        terms = []
        for one, its_objective in ((model, objective), (twin, again)):
            torch.manual_seed(1)
            terms.append(its_objective(one, batch(pixels), labels(), its_objective.values(Clock(1, 1))).terms)
        differing = [name for name in terms[0] if not torch.equal(terms[0][name], terms[1][name])]
        assert not differing, f"with the same weights the twins differ in {', '.join(differing)}"


def arguments_hold_every_option(subject: Subject) -> None:
    """Otherwise a run that was made in Python could not be written down."""
    settings, (model, objective) = subject.settings(), subject.build()
    names = settings.model.flat().keys()
    assert names <= set(model.arguments), f"arguments lack {', '.join(names - set(model.arguments))}"
    assert objective.arguments == settings.objective.flat(), "arguments of the objective"


def what_is_loaded_is_what_was_trained(subject: Subject) -> None:
    """A run that is loaded again reconstructs and samples as the model did at the end of its training."""
    model, objective = subject.build()
    data, out = made_up_data(), subject.place / "kept"
    fit(
        model, objective, data, out=out, method=subject.method, epochs=1, batch_size=20, device="cpu",
        precision="fp32", progress="none", weights="last",
    )  # fmt: skip
    loaded = load_run(out).model
    assert loaded.arguments == model.arguments, "the loaded model was built with other arguments"
    if isinstance(model, Reconstructs) and isinstance(loaded, Reconstructs):
        same = torch.equal(reconstruct(model, data.test), reconstruct(loaded, data.test))
        assert same, "the loaded model reconstructs otherwise; what is not in state_dict() is lost"
    if model.can_sample():
        assert torch.equal(sample(model, 4), sample(loaded, 4)), "the loaded model has other samples"


def labels_matter_where_wanted(subject: Subject) -> None:
    """A method that wants labels is changed by them and refuses to go without; any other takes no notice."""
    model, objective = subject.build()
    model.eval()  # a codebook would move between the two calls
    values, totals = objective.values(Clock(0, 1).end), []
    with torch.no_grad():
        for parameter in model.parameters():  # away from blocks that are the identity
            parameter.add_(0.1 * torch.randn_like(parameter))
    x = batch()
    for y in (labels(), 1 - labels()):
        torch.manual_seed(0)
        totals.append(objective(model, x, y, values).total)
    wanted = subject.entry.labels
    assert torch.equal(totals[0], totals[1]) != wanted, "labels change the loss where none are wanted, or not"
    refusal = None
    try:
        objective(model, x, None, values)
    except DataError as error:
        refusal = str(error)
    assert (refusal is not None) == wanted, f"without labels: {refusal or 'they are not missed'}"


def samples_are_images(subject: Subject) -> None:
    """Samples have the shape and range of images and differ; a model that cannot sample says so in one line."""
    model, _ = subject.build()
    if not model.can_sample():
        refusal = "can_sample() is False, and sample() works"
        try:
            model.sample(3)
        except SettingError as error:
            refusal = str(error)
        assert "cannot sample" in refusal and "\n" not in refusal, refusal
        return
    images = sample(model, 9, seed=0)
    assert images.shape == (9, *KINDS["8-bit"]), f"samples have the shape {tuple(images.shape)}"
    assert 0 <= float(images.min()) < float(images.max()) <= 1, "samples lie outside [0, 1] or are all alike"
    assert float((images[0] - images[1]).abs().max()) > 1e-6, "two samples are the same"
    torch.manual_seed(1)  # of other random numbers than those of the generator
    assert torch.equal(images, sample(model, 9, seed=0)), "samples are no function of the seed"


def embeddings_are_deterministic(subject: Subject) -> None:
    """All layers of latents come as (B, ...), flat they are what `decode` takes; nothing random is in them."""
    model, _ = subject.build()
    if not isinstance(model, Encodes):
        return
    split = Split((255 * batch(count=20)).to(torch.uint8), labels(20))
    embedding = encode(model, split)
    assert embedding.mean.shape == (20, model.latent_dim), (
        f"latent_dim {model.latent_dim}, {embedding.mean.shape}"
    )
    torch.manual_seed(1)  # a draw would now be another one
    assert torch.equal(embedding.mean, encode(model, split).mean), "embeddings have draws in them"
    assert (embedding.kl is not None) == isinstance(model, HasPrior), "a prior in infer() and none in prior()"
    if isinstance(model, Decodes):
        y = labels(20) if model.classes else None
        with evaluating(model), torch.no_grad():
            likelihood = model.decode(embedding.mean, y)
            assert model.picture(likelihood).shape == (20, *model.shape), "pictures of decoded latents"
            samples = model.decode(embedding.mean.expand(2, -1, -1), y)
            assert samples.batch_shape == (2, 20), "decode keeps leading sample dimensions"


def reconstructions_are_deterministic(subject: Subject) -> None:
    """They have the shape and range of images, and nothing random is in them."""
    model, _ = subject.build()
    if not isinstance(model, Reconstructs):
        return
    split = Split((255 * batch(count=20)).to(torch.uint8), labels(20))
    rebuilt = reconstruct(model, split)
    assert rebuilt.shape == (20, *model.shape), f"reconstructions have the shape {tuple(rebuilt.shape)}"
    assert 0 <= float(rebuilt.min()) <= float(rebuilt.max()) <= 1, "reconstructions lie outside [0, 1]"
    torch.manual_seed(1)  # a draw would now be another one
    assert torch.equal(rebuilt, reconstruct(model, split)), "reconstructions have draws in them"


def layers_agree_with_the_joint(subject: Subject) -> None:
    """p(x, z) of the layers, one given the other, is that of `decode` and `prior` over the flat vector."""
    model, _ = subject.build()
    if not (isinstance(model, HasPrior) and isinstance(model, Encodes) and isinstance(model, Decodes)):
        return
    assert isinstance(model, Model)
    x, y = batch(count=4), labels(4) if model.classes else None
    with evaluating(model), torch.no_grad():
        output = model(x, y, 3)
        weights = log_importance_weights(output.latents, output.likelihood.log_prob(x))
        flat = torch.cat([latent.z.flatten(2) for latent in output.latents], dim=-1)
        joint = model.decode(flat, y).log_prob(x) + log_density(model.prior(), flat)
        posteriors = [
            log_density(latent.posterior, latent.z) for latent in output.latents if latent.posterior
        ]
    assert weights.shape == (3, 4), "samples lead, then images"
    close(weights, joint - torch.stack(posteriors).sum(0), "log p(x, z) / q(z|x) by layers and flat")


def summary_is_one_line(subject: Subject) -> None:
    """The summary stands in the help: short, without a full stop."""
    summary = subject.entry.summary
    assert 10 < len(summary) < 90 and "\n" not in summary and not summary.endswith("."), summary


MODEL_CHECKS: dict[str, Callable[[Subject], None]] = {
    check.__name__.replace("_", " "): check
    for check in (
        objective_fits_model,
        terms_are_nats_per_image,
        steps_change_every_parameter,
        training_is_a_function_of_the_seed,
        arguments_build_the_same_again,
        arguments_hold_every_option,
        what_is_loaded_is_what_was_trained,
        labels_matter_where_wanted,
        samples_are_images,
        embeddings_are_deterministic,
        reconstructions_are_deterministic,
        layers_agree_with_the_joint,
        summary_is_one_line,
    )
}
