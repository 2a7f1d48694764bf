"""Python as people type it: the right result, or one line with the remedy; never an error of torch's own."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import vaekit
from vaekit import AE, ELBO, VAE, VQVAE, Data, VaekitError, VaekitWarning, fit, load_data

X = torch.randint(0, 256, (200, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
Y = torch.arange(200) % 3
FLOATS = (X[:6] / 255).numpy()
PICTURE = Image.fromarray(X[0, 0].numpy())
SMALL: dict[str, Any] = {"latent_dim": 3, "network": "mlp", "width": 8}
QUICK: dict[str, Any] = {"steps": 2, "device": "cpu", "progress": False}
SYNONYMS = find_spec("vaekit.synonyms") is not None  # words that mean an option without being spelt like it


def model(**options: Any) -> VAE:
    return VAE((1, 8, 8), seed=0, **SMALL, **options)


def trained() -> VAE:
    """A model in eval mode with the units of its weights, as after `fit`."""
    own = model()
    own.prepare(X)
    return own.eval()  # type: ignore[return-value]


def two_runs() -> bool:
    found = [fit(model(), ELBO(), X, seed=7, **QUICK).test.negative_elbo_nats for _ in range(2)]
    return found[0] == found[1]


def loop() -> bool:
    own = model()
    loss = ELBO()(own, X[:20])
    loss.total.backward()
    names = {"loss_nats", "negative_elbo_nats", "reconstruction_nats", "kl_nats"}
    assert names <= loss.terms.keys() and loss.total.ndim == 0
    return all(parameter.grad is not None for parameter in own.parameters())


def of_shape(kind: type, *shape: int) -> Callable[[Any], bool]:
    def check(found: Any) -> bool:
        plain = not isinstance(found, Tensor) or not (found.requires_grad or found.is_inference())
        return isinstance(found, kind) and tuple(found.shape) == shape and plain

    return check


def is_history(found: Any) -> bool:
    return isinstance(found, vaekit.History) and found.summary is not None


WORKS: dict[str, tuple[Callable[[], Any], Callable[[Any], bool]]] = {
    "encode().mean.numpy(), fresh": (lambda: model().encode(X[:6]).mean.numpy(), of_shape(np.ndarray, 6, 3)),
    "encode().mean.numpy()": (lambda: trained().encode(FLOATS).mean.numpy(), of_shape(np.ndarray, 6, 3)),
    "encode(picture)": (lambda: trained().encode(PICTURE).mean, of_shape(Tensor, 1, 3)),
    "encode(list)": (lambda: trained().encode(FLOATS.tolist()).mean, of_shape(Tensor, 6, 3)),
    "embed(array)": (lambda: trained().embed(FLOATS), of_shape(np.ndarray, 6, 3)),
    "embed(tensor)": (lambda: trained().embed(X[:6]), of_shape(Tensor, 6, 3)),
    "embed(without channels)": (lambda: trained().embed(FLOATS[:, 0]), of_shape(np.ndarray, 6, 3)),
    "embed(channels last)": (lambda: trained().embed(FLOATS.transpose(0, 2, 3, 1)), of_shape(np.ndarray, 6, 3)),
    "embed(loader)": (lambda: trained().embed(DataLoader(TensorDataset(X[:6]), 4)), of_shape(np.ndarray, 6, 3)),
    "embed(split)": (lambda: trained().embed(vaekit.Split(X[:6])), of_shape(Tensor, 6, 3)),
    "reconstruct(array)": (lambda: trained().reconstruct(FLOATS), of_shape(np.ndarray, 6, 1, 8, 8)),
    "reconstruct(picture)": (lambda: trained().reconstruct(PICTURE), lambda p: p.size == (8, 8) and p.mode == "L"),
    "reconstruct(pictures)": (lambda: trained().reconstruct([PICTURE] * 2), lambda p: [q.size for q in p] == [(8, 8)] * 2),
    "decode(array)": (lambda: trained().decode(np.zeros((2, 3))).mean.numpy(), of_shape(np.ndarray, 2, 1, 8, 8)),
    "decode(float64)": (lambda: trained().decode(torch.zeros(2, 3).double()).mean, of_shape(Tensor, 2, 1, 8, 8)),
    "sample(seed)": (lambda: trained().sample(4, seed=1), of_shape(Tensor, 4, 1, 8, 8)),
    "sample(a class)": (lambda: model(classes=3).sample(4, y=2), of_shape(Tensor, 4, 1, 8, 8)),
    "labels in a list": (lambda: model(classes=3).embed(FLOATS[:2], [0, 2]), of_shape(np.ndarray, 2, 3)),
    "codes of a VQVAE": (lambda: VQVAE((1, 8, 8), width=8).reconstruct(FLOATS), of_shape(np.ndarray, 6, 1, 8, 8)),
    "fit(array)": (lambda: fit(model(), ELBO(), X.numpy(), **QUICK), is_history),
    "fit(tensor)": (lambda: fit(model(), ELBO(), X, **QUICK), is_history),
    "fit(floats without channels)": (lambda: fit(model(), ELBO(), X[:, 0] / 255, **QUICK), is_history),
    "fit(pair)": (lambda: fit(model(classes=3), ELBO(), (X.numpy(), Y.numpy()), **QUICK), is_history),
    "fit(loader)": (lambda: fit(model(), ELBO(), DataLoader(TensorDataset(X, Y), 16), **QUICK), is_history),
    "fit(progress=True)": (lambda: fit(model(), ELBO(), X, **QUICK | {"progress": True}), is_history),
    "two calls agree": (two_runs, bool),
    "a loop of one's own": (loop, bool),
    "ELBO()(model, [x, y])": (lambda: ELBO()(model(), [X[:9], Y[:9]]).total, lambda t: t.ndim == 0 and t.requires_grad),
    "evaluate(array)": (
        lambda: vaekit.evaluate(trained(), FLOATS, samples=2, progress=False),
        lambda e: e.about["images"] == 6,
    ),
    "print": (lambda: [repr(x) for x in (load_data(X), model(), model()(X[:3]))], lambda t: max(map(len, t)) < 200),
}  # fmt: skip


@pytest.mark.parametrize("line", WORKS)
def test_it_works(line: str) -> None:
    typed, right = WORKS[line]
    assert right(typed())


def encoder(outputs: int = 6) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, outputs))


def decoder(*last: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(3, 64), nn.Unflatten(1, (1, 8, 8)), *last)


def own(encoder: Any, decoder: Any, **options: Any) -> VAE:
    return VAE((1, 8, 8), 3, encoder=encoder, decoder=decoder, **options)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "VAE((28, 28))": (lambda: VAE((28, 28)), "(1, 28, 28)"),
    "VAE(channels last)": (lambda: VAE((28, 28, 3)), "(3, 28, 28)"),
    "VAE(x.shape)": (lambda: VAE(X.shape), "(1, 8, 8)"),
    "VAE(data)": (lambda: VAE(load_data(X)), "data.shape"),  # type: ignore[arg-type]
    "VAE(latent_dims)": (lambda: VAE((1, 8, 8), latent_dims=3), "latent_dim"),  # type: ignore[call-arg]
    "ELBO(bta)": (lambda: ELBO(bta=4), "Did you mean beta"),  # type: ignore[call-arg]
    "fit(lr)": (lambda: fit(model(), ELBO(), X, lr=3), "learning_rate" if SYNONYMS else "'lr'"),
    "fit(batchsize)": (lambda: fit(model(), ELBO(), X, batchsize=3), "batch_size"),
    "fit(data, objective)": (lambda: fit(model(), X, ELBO()), "fit(model, objective, data)"),  # type: ignore[arg-type]
    "fit(ELBO)": (lambda: fit(model(), ELBO, X), "ELBO()"),  # type: ignore[arg-type]
    "fit(torch's)": (lambda: fit(nn.Linear(2, 2), ELBO(), X), "VAE(data.shape)"),  # type: ignore[arg-type]
    "fit(flat)": (lambda: fit(model(), ELBO(), X.flatten(1)), "reshape"),
    "fit(0 to 255)": (lambda: fit(model(), ELBO(), X.float()), "divide by 255"),
    "fit(progress=3)": (lambda: fit(model(), ELBO(), X, **QUICK | {"progress": 3}), "True, False"),
    "fit(AE)": (lambda: fit(AE((1, 8, 8)), ELBO(), X), "take a VAE"),
    "ELBO()(AE)": (lambda: ELBO()(AE((1, 8, 8)), X), "take a VAE"),
    "ELBO()(0 to 255)": (lambda: ELBO()(model(), X.float()), "divide by 255"),
    "encode(0 to 255)": (lambda: trained().encode(X.float()), "divide by 255"),
    "encode(0 to 255), fresh": (lambda: model().encode(X.float()), "divide by 255"),
    "encode(int64)": (lambda: trained().encode(X.long()), "give uint8"),
    "encode(NaN)": (lambda: trained().encode(FLOATS / 0 * 0), "repair"),
    "encode(flat)": (lambda: trained().encode(X.flatten(1)), "reshape them to (-1, 1, 8, 8)"),
    "encode(28x28)": (lambda: trained().embed(np.zeros((2, 1, 28, 28))), "resize"),
    "encode(name)": (lambda: trained().embed("digits"), "give a tensor or an array"),
    "decode(5 of 3)": (lambda: trained().decode(np.zeros((2, 5))), "give (B, 3)"),
    "decode(one)": (lambda: trained().decode(torch.zeros(3)), "give (B, 3)"),
    "sample('4')": (lambda: trained().sample("4"), "whole number"),  # type: ignore[arg-type]
    "sample(temperature=-1)": (lambda: trained().sample(4, temperature=-1), "0 or more"),
    "sample(labels)": (lambda: model(classes=3).sample(4, y=5), "0 to 2"),
    "no labels": (lambda: model(classes=3).embed(FLOATS), "pass y"),
    "decode_codes": (lambda: VQVAE((1, 8, 8), width=8).decode_codes(np.full((1, 2, 2), 999)), "0 to 511"),
    "evaluate(no data)": (lambda: vaekit.evaluate(model()), "evaluate(model, data.test)"),
    "evaluate(sample)": (lambda: vaekit.evaluate(model(), X, sample=3), "samples"),
    "vaekit.sample(model)": (lambda: vaekit.sample(model()), "model.sample(16)"),  # type: ignore[arg-type]
    "load_run(3)": (lambda: vaekit.load_run(3), "folder of a run"),
    "load_data(size)": (lambda: load_data(X, size=3), "image_size"),
    "an encoder of 9": (lambda: own(encoder(9), decoder()), "(1, 9) for one example, and (1, 6)"),
    "a decoder of rows": (lambda: own(encoder(), nn.Linear(3, 64)), "torch.nn.Unflatten(1, (1, 8, 8))"),
    "another size": (lambda: own(nn.Linear(9, 6), decoder()), "the encoder cannot take one example, (1, 1, 8, 8)"),
    "a function": (lambda: own(encoder(), lambda z: z), "torch.nn.Module"),
    "a condition": (lambda: own(encoder(), decoder(), classes=3), "takes one argument"),
    "a last batch of one": (
        lambda: fit(own(nn.Sequential(encoder(6), nn.BatchNorm1d(6)), decoder()), ELBO(), of(21), batch_size=20, **QUICK),
        "batch_size=21",
    ),
    "VAE(beta)": (lambda: VAE((1, 8, 8), beta=4), "option of ELBO: ELBO(beta="),  # type: ignore[call-arg]
    "VAE(epochs)": (lambda: VAE((1, 8, 8), epochs=4), "option of fit: fit(epochs="),  # type: ignore[call-arg]
    "VAE(hidden_dims)": (lambda: VAE((1, 8, 8), hidden_dims=[9]), "width"),  # type: ignore[call-arg]
    "VAE(classes=ten)": (lambda: VAE((1, 8, 8), classes="ten"), "classes must be 0 (no labels) or their number, not 'ten'"),  # type: ignore[arg-type]
    "fit(latent_dim)": (lambda: fit(model(), ELBO(), X, latent_dim=4), "option of VAE: VAE(latent_dim="),
    "fit(torch's optimiser)": (lambda: fit(model(), ELBO(), X, optimizer=torch.optim.Adam(model().parameters())), "an Adam"),
    "train(model)": (lambda: vaekit.train(model(), X), "method is a VAE; give a name"),  # type: ignore[arg-type]
    "compare(swapped)": (lambda: vaekit.compare(["ae", "vae"], "digits"), "unknown method 'digits'"),  # type: ignore[call-overload]
    "sample(label)": (lambda: model(classes=3).sample(4, label=2), "Did you mean y"),  # type: ignore[call-arg]
    "sample(y), no classes": (lambda: trained().sample(4, y=2), "knows no classes"),  # type: ignore[arg-type]
    "redraw_as, no classes": (lambda: trained().reconstruct(X[:2], redraw_as=2), "knows no classes"),  # type: ignore[arg-type]
    "redraw_as in a tensor": (lambda: trained().reconstruct(X[:2], redraw_as=Y[:2]), "knows no classes"),
    "load_data(3)": (lambda: load_data(3), "data is an int"),
    "callbacks=[3]": (lambda: fit(model(), ELBO(), X, callbacks=[3], **QUICK), "vaekit.Callback"),
}  # fmt: skip


def of(count: int) -> Data:
    """A data set with so many training images."""
    part = vaekit.Split(X[:count])
    return Data("made up", part, vaekit.Split(X[:0]), part, "8-bit")


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("line", REFUSED)
def test_it_is_refused_in_one_line(line: str) -> None:
    typed, remedy = REFUSED[line]
    with pytest.raises(VaekitError) as caught:
        typed()
    said = str(caught.value)
    assert remedy in said and "\n" not in said and len(said) < 300


MISSING: dict[str, tuple[Callable[[], Any], str]] = {
    "fit(model, data)": (lambda: fit(model(), X), "fit needs data: fit(model, objective, data"),  # type: ignore[call-arg]
    "VAE()": (lambda: VAE(latent_dim=3), "VAE needs shape: VAE(shape"),  # type: ignore[call-arg]
    "model.fit": (lambda: model().fit(X), "fit(model, ELBO(), data)"),
    "model.predict": (lambda: model().predict(X), "vaekit.estimators"),
    "model.reconstuct": (lambda: model().reconstuct(X), "it has reconstruct"),
    "data.labels": (lambda: load_data(X).labels, "data.train.labels"),  # type: ignore[attr-defined]
    "data.tran": (lambda: load_data(X).tran, "it has train"),  # type: ignore[attr-defined]
    "history.loss": (lambda: vaekit.History().loss, "frame()"),  # type: ignore[attr-defined]
    "history.nothing": (lambda: vaekit.History().nothing, "it has frame, interrupted"),  # type: ignore[attr-defined]
    "vaekit.CVAE": (lambda: vaekit.CVAE, "VAE(shape, classes=10)"),  # type: ignore[attr-defined]
    "vaekit.evalute": (lambda: vaekit.evalute, "Did you mean evaluate?"),  # type: ignore[attr-defined]
    "split[200]": (lambda: vaekit.Split(X)[200], "image 200 of 200"),
}  # fmt: skip


@pytest.mark.parametrize("line", MISSING)
def test_what_is_not_there_says_what_is(line: str) -> None:
    typed, remedy = MISSING[line]
    with pytest.raises((AttributeError, TypeError, IndexError)) as caught:
        typed()
    said = str(caught.value)
    assert remedy in said and "\n" not in said and len(said) < 300


def test_a_split_is_a_data_set_of_torch() -> None:
    split = vaekit.Split(X, Y)
    batches = list(DataLoader(split, batch_size=64))  # type: ignore[arg-type]
    assert torch.equal(torch.cat([images for images, _ in batches]), X)
    assert torch.equal(torch.cat([labels for _, labels in batches]), Y)
    assert torch.equal(split[-1][0], X[-1]) and split[-1][1] == Y[-1]
    assert torch.equal(vaekit.Split(X)[7], X[7])
    for index in (np.int64(3), torch.tensor(3), -197):
        assert torch.equal(split[index][0], X[3]) and split[index][1] == Y[3]
    for index in (slice(3, 9), torch.tensor([4, 2]), Y == 1):
        assert torch.equal(split[index].images, X[index]) and torch.equal(split[index].labels, Y[index])


def test_a_file_of_torch_is_named_as_one(tmp_path: Path) -> None:
    torch.save(model().state_dict(), tmp_path / "a.pt")
    with pytest.raises(vaekit.RunError, match=r"is a file of torch\.save"):
        vaekit.load(tmp_path / "a.pt")


def test_a_final_sigmoid_is_a_warning_where_logits_are_wanted() -> None:
    for last in (nn.Sigmoid(), Squashing()):
        with pytest.warns(VaekitWarning, match="gives no logits"):
            own(encoder(), decoder(last), likelihood="bce")
    own(encoder(), decoder(), likelihood="bce")
    own(encoder(), decoder(nn.Sigmoid()), likelihood="gaussian")


class Squashing(nn.Module):
    """A sigmoid that is no module of its own."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sigmoid()


def test_trying_own_modules_leaves_no_trace() -> None:
    """Weights, statistics, modes and random numbers are as before; lazy modules get their sizes."""
    norm = nn.BatchNorm1d(64)
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    own(nn.Sequential(nn.Flatten(), norm, nn.Dropout(), nn.Linear(64, 6)), decoder(), likelihood="bce")
    made = torch.rand(3)
    torch.manual_seed(3)
    nn.Linear(64, 6), nn.Linear(3, 64)
    assert norm.training and norm.num_batches_tracked == 0 and torch.equal(norm.running_mean, torch.zeros(64))  # type: ignore[arg-type]
    assert torch.equal(made, torch.rand(3)) and not torch.equal(made, expected)
    assert own(nn.Sequential(nn.Flatten(), nn.LazyLinear(6)), decoder()).embed(FLOATS).shape == (6, 3)


def test_pictures_of_another_size_are_brought_to_the_models() -> None:
    with pytest.warns(VaekitWarning, match="brought to 8x8"):
        assert trained().embed(Image.new("L", (30, 20), 200)).shape == (1, 3)
    with pytest.warns(VaekitWarning, match="colour images converted to grey"):
        assert trained().embed([Image.new("RGB", (8, 8), (200, 10, 10))]).shape == (1, 3)


def test_a_callback_sees_every_line_and_stops(tmp_path: Path) -> None:
    seen: list[Any] = []

    class Stop(vaekit.Callback):
        def step(self, done: int, steps: int) -> object:
            return "enough" if done == 3 else None

        def end(self, history: vaekit.History) -> None:
            seen.append(history)

    stopped = model()
    history = fit(
        stopped,
        ELBO(),
        X,
        steps=9,
        device="cpu",
        progress=False,
        callbacks=[seen.append, Stop()],
        out=tmp_path / "run",
    )
    assert not stopped.encode(X[:3]).mean.requires_grad
    assert history.interrupted == "enough" and seen == [*history.metrics, history]
    again = vaekit.resume(tmp_path / "run", data=load_data(X), progress=False, callbacks=seen.append)
    assert again.summary is not None and again.summary.steps == 9 and seen[-1] == again.metrics[-1]


def test_weights_of_a_seed_are_those_of_train(tmp_path: Path) -> None:
    """Another way to the same weights: `train` makes them from the seed of its settings."""
    vaekit.train(
        "vae", load_data(X), seed=5, out=tmp_path / "run", init="random", likelihood="bce", **SMALL, **QUICK
    )
    mine = VAE((1, 8, 8), seed=5, likelihood="bce", **SMALL)
    history = fit(mine, ELBO(), load_data(X), seed=5, **QUICK)
    theirs = vaekit.load_run(tmp_path / "run")
    assert theirs.summary is not None and theirs.summary.test == history.summary.test  # type: ignore[union-attr]


def test_a_prior_is_prepared_from_latents(tmp_path: Path) -> None:
    """Which are no pixels, and have no range."""
    vaekit.train("vqvae", load_data(X), width=8, out=tmp_path / "run", **QUICK)
    vaekit.prior(tmp_path / "run", images=load_data(X), width=8, depth=1, heads=1, steps=1, progress=False)
    assert vaekit.sample(tmp_path / "run", 3).images.shape == (3, 1, 8, 8)
