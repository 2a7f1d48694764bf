"""vaekit: the workbench for variational autoencoders.

Names are resolved when they are first used, so that `vaekit --help` needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:  # for type checkers and editors; a test holds both lists together
    from vaekit import plots as plots
    from vaekit.coding.compress import Compressed as Compressed
    from vaekit.coding.compress import compress as compress
    from vaekit.coding.decompress import Decompressed as Decompressed
    from vaekit.coding.decompress import decompress as decompress
    from vaekit.comparison.compare import Comparison as Comparison
    from vaekit.comparison.compare import compare as compare
    from vaekit.comparison.finished import SideBySide as SideBySide
    from vaekit.comparison.sweep import Sweep as Sweep
    from vaekit.comparison.sweep import sweep as sweep
    from vaekit.config.likelihood_parts import BCE as BCE
    from vaekit.config.likelihood_parts import Bernoulli as Bernoulli
    from vaekit.config.likelihood_parts import Categorical as Categorical
    from vaekit.config.likelihood_parts import ContinuousBernoulli as ContinuousBernoulli
    from vaekit.config.likelihood_parts import Gaussian as Gaussian
    from vaekit.config.likelihood_parts import GaussianLearned as GaussianLearned
    from vaekit.config.likelihood_parts import GaussianOptimal as GaussianOptimal
    from vaekit.config.likelihood_parts import LogisticMixture as LogisticMixture
    from vaekit.config.methods import METHODS as METHODS
    from vaekit.config.methods import Method as Method
    from vaekit.config.network_parts import MLP as MLP
    from vaekit.config.network_parts import Lesson as Lesson
    from vaekit.config.network_parts import Patches as Patches
    from vaekit.config.network_parts import Resnet as Resnet
    from vaekit.config.optimizer_parts import SGD as SGD
    from vaekit.config.optimizer_parts import Adam as Adam
    from vaekit.config.optimizer_parts import Adamax as Adamax
    from vaekit.config.optimizer_parts import AdamW as AdamW
    from vaekit.config.optimizer_parts import Muon as Muon
    from vaekit.config.quantizer_parts import EMA as EMA
    from vaekit.config.quantizer_parts import FSQ as FSQ
    from vaekit.config.quantizer_parts import GradientCodes as GradientCodes
    from vaekit.config.schedule_parts import ConstantRate as ConstantRate
    from vaekit.config.schedule_parts import CosineRate as CosineRate
    from vaekit.config.schedule_parts import LinearRate as LinearRate
    from vaekit.core import DataError as DataError
    from vaekit.core import InputError as InputError
    from vaekit.core import NonFiniteError as NonFiniteError
    from vaekit.core import RunError as RunError
    from vaekit.core import SettingError as SettingError
    from vaekit.core import TrainingError as TrainingError
    from vaekit.core import TrainingNote as TrainingNote
    from vaekit.core import VaekitError as VaekitError
    from vaekit.core import VaekitWarning as VaekitWarning
    from vaekit.data import Data as Data
    from vaekit.data import Split as Split
    from vaekit.data import describe as describe
    from vaekit.data import load_data as load_data
    from vaekit.data.kept import Cache as Cache
    from vaekit.data.kept import cache as cache
    from vaekit.demonstration import Demo as Demo
    from vaekit.demonstration import demo as demo
    from vaekit.evaluation.cards.card import Card as Card
    from vaekit.evaluation.cards.measure_card import card as card
    from vaekit.evaluation.cards.side_by_side import Cards as Cards
    from vaekit.evaluation.cards.side_by_side import cards as cards
    from vaekit.evaluation.evaluate import Evaluation as Evaluation
    from vaekit.evaluation.evaluate import evaluate as evaluate
    from vaekit.evaluation.neighbours import Duplicates as Duplicates
    from vaekit.evaluation.neighbours import Neighbours as Neighbours
    from vaekit.evaluation.neighbours import duplicates as duplicates
    from vaekit.evaluation.neighbours import search as search
    from vaekit.evaluation.samples.features.learn import Learned as Learned
    from vaekit.evaluation.samples.features.learn import features as features
    from vaekit.evaluation.score import Scores as Scores
    from vaekit.evaluation.score import score as score
    from vaekit.explorer.export.formats import export as export
    from vaekit.explorer.serve import explore as explore
    from vaekit.hub.push import Pushed as Pushed
    from vaekit.hub.push import push as push
    from vaekit.models import AE as AE
    from vaekit.models import GAN as GAN
    from vaekit.models import VAE as VAE
    from vaekit.models import VQVAE as VQVAE
    from vaekit.objectives.adversarial import Adversarial as Adversarial
    from vaekit.objectives.elbo import ELBO as ELBO
    from vaekit.objectives.iwae import IWAE as IWAE
    from vaekit.objectives.nll import Reconstruction as Reconstruction
    from vaekit.objectives.vq import QuantizedReconstruction as QuantizedReconstruction
    from vaekit.plots.draw import figures as figures
    from vaekit.reproduction.reproduce import Reproduction as Reproduction
    from vaekit.reproduction.reproduce import reproduce as reproduce
    from vaekit.runs.ask import encode as encode
    from vaekit.runs.ask import reconstruct as reconstruct
    from vaekit.runs.ask import sample as sample
    from vaekit.runs.check import Checked as Checked
    from vaekit.runs.check import check as check
    from vaekit.runs.interpolate import Interpolation as Interpolation
    from vaekit.runs.interpolate import interpolate as interpolate
    from vaekit.runs.load import Run as Run
    from vaekit.runs.load import load_run as load_run
    from vaekit.runs.one_file import load as load
    from vaekit.runs.one_file import save as save
    from vaekit.runs.remove import Removed as Removed
    from vaekit.runs.remove import remove as remove
    from vaekit.runs.run_list import Listed as Listed
    from vaekit.runs.run_list import list_runs as list_runs
    from vaekit.training.callbacks import Callback as Callback
    from vaekit.training.fit import History as History
    from vaekit.training.fit import fit as fit
    from vaekit.training.priors import prior as prior
    from vaekit.training.resume import resume as resume
    from vaekit.training.train import train as train

PUBLIC = {  # name -> "module" or "module:name"
    "load_data": "vaekit.data:load_data",
    "Data": "vaekit.data:Data",
    "Split": "vaekit.data:Split",
    "AE": "vaekit.models:AE",
    "VAE": "vaekit.models:VAE",
    "VQVAE": "vaekit.models:VQVAE",
    "GAN": "vaekit.models:GAN",
    "BCE": "vaekit.config.likelihood_parts:BCE",
    "Bernoulli": "vaekit.config.likelihood_parts:Bernoulli",
    "Categorical": "vaekit.config.likelihood_parts:Categorical",
    "ContinuousBernoulli": "vaekit.config.likelihood_parts:ContinuousBernoulli",
    "Gaussian": "vaekit.config.likelihood_parts:Gaussian",
    "GaussianLearned": "vaekit.config.likelihood_parts:GaussianLearned",
    "GaussianOptimal": "vaekit.config.likelihood_parts:GaussianOptimal",
    "LogisticMixture": "vaekit.config.likelihood_parts:LogisticMixture",
    "MLP": "vaekit.config.network_parts:MLP",
    "Lesson": "vaekit.config.network_parts:Lesson",
    "Patches": "vaekit.config.network_parts:Patches",
    "Resnet": "vaekit.config.network_parts:Resnet",
    "EMA": "vaekit.config.quantizer_parts:EMA",
    "FSQ": "vaekit.config.quantizer_parts:FSQ",
    "GradientCodes": "vaekit.config.quantizer_parts:GradientCodes",
    "SGD": "vaekit.config.optimizer_parts:SGD",
    "Adam": "vaekit.config.optimizer_parts:Adam",
    "AdamW": "vaekit.config.optimizer_parts:AdamW",
    "Adamax": "vaekit.config.optimizer_parts:Adamax",
    "Muon": "vaekit.config.optimizer_parts:Muon",
    "ConstantRate": "vaekit.config.schedule_parts:ConstantRate",
    "CosineRate": "vaekit.config.schedule_parts:CosineRate",
    "LinearRate": "vaekit.config.schedule_parts:LinearRate",
    "ELBO": "vaekit.objectives.elbo:ELBO",
    "IWAE": "vaekit.objectives.iwae:IWAE",
    "Adversarial": "vaekit.objectives.adversarial:Adversarial",
    "Reconstruction": "vaekit.objectives.nll:Reconstruction",
    "QuantizedReconstruction": "vaekit.objectives.vq:QuantizedReconstruction",
    "METHODS": "vaekit.config.methods:METHODS",
    "Method": "vaekit.config.methods:Method",
    "fit": "vaekit.training.fit:fit",
    "resume": "vaekit.training.resume:resume",
    "History": "vaekit.training.fit:History",
    "Callback": "vaekit.training.callbacks:Callback",
    "train": "vaekit.training.train:train",
    "demo": "vaekit.demonstration:demo",
    "prior": "vaekit.training.priors:prior",
    "compare": "vaekit.comparison.compare:compare",
    "sweep": "vaekit.comparison.sweep:sweep",
    "Sweep": "vaekit.comparison.sweep:Sweep",
    "features": "vaekit.evaluation.samples.features.learn:features",
    "describe": "vaekit.data:describe",
    "reproduce": "vaekit.reproduction.reproduce:reproduce",
    "Reproduction": "vaekit.reproduction.reproduce:Reproduction",
    "cache": "vaekit.data.kept:cache",
    "Cache": "vaekit.data.kept:Cache",
    "score": "vaekit.evaluation.score:score",
    "search": "vaekit.evaluation.neighbours:search",
    "Neighbours": "vaekit.evaluation.neighbours:Neighbours",
    "duplicates": "vaekit.evaluation.neighbours:duplicates",
    "Duplicates": "vaekit.evaluation.neighbours:Duplicates",
    "interpolate": "vaekit.runs.interpolate:interpolate",
    "Interpolation": "vaekit.runs.interpolate:Interpolation",
    "Comparison": "vaekit.comparison.compare:Comparison",
    "SideBySide": "vaekit.comparison.finished:SideBySide",
    "Demo": "vaekit.demonstration:Demo",
    "Learned": "vaekit.evaluation.samples.features.learn:Learned",
    "Scores": "vaekit.evaluation.score:Scores",
    "card": "vaekit.evaluation.cards.measure_card:card",
    "cards": "vaekit.evaluation.cards.side_by_side:cards",
    "Card": "vaekit.evaluation.cards.card:Card",
    "Cards": "vaekit.evaluation.cards.side_by_side:Cards",
    "evaluate": "vaekit.evaluation.evaluate:evaluate",
    "Evaluation": "vaekit.evaluation.evaluate:Evaluation",
    "check": "vaekit.runs.check:check",
    "Checked": "vaekit.runs.check:Checked",
    "load_run": "vaekit.runs.load:load_run",
    "save": "vaekit.runs.one_file:save",
    "load": "vaekit.runs.one_file:load",
    "push": "vaekit.hub.push:push",
    "Pushed": "vaekit.hub.push:Pushed",
    "list_runs": "vaekit.runs.run_list:list_runs",
    "Listed": "vaekit.runs.run_list:Listed",
    "remove": "vaekit.runs.remove:remove",
    "Removed": "vaekit.runs.remove:Removed",
    "Run": "vaekit.runs.load:Run",
    "encode": "vaekit.runs.ask:encode",
    "sample": "vaekit.runs.ask:sample",
    "reconstruct": "vaekit.runs.ask:reconstruct",
    "compress": "vaekit.coding.compress:compress",
    "Compressed": "vaekit.coding.compress:Compressed",
    "decompress": "vaekit.coding.decompress:decompress",
    "Decompressed": "vaekit.coding.decompress:Decompressed",
    "figures": "vaekit.plots.draw:figures",
    "explore": "vaekit.explorer.serve:explore",
    "export": "vaekit.explorer.export.formats:export",
    "plots": "vaekit.plots",
    "VaekitError": "vaekit.core:VaekitError",
    "InputError": "vaekit.core:InputError",
    "SettingError": "vaekit.core:SettingError",
    "DataError": "vaekit.core:DataError",
    "RunError": "vaekit.core:RunError",
    "TrainingError": "vaekit.core:TrainingError",
    "NonFiniteError": "vaekit.core:NonFiniteError",
    "VaekitWarning": "vaekit.core:VaekitWarning",
    "TrainingNote": "vaekit.core:TrainingNote",
}

__all__ = [*PUBLIC, "__version__"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'vaekit' has no attribute {name!r}.{_instead(name)}")
    module, _, attribute = PUBLIC[name].partition(":")
    value = importlib.import_module(module)
    return getattr(value, attribute) if attribute else value


def _instead(name: str) -> str:
    """Names what has what somebody asked for, as ` Did you mean fit?`; `` where nothing is near."""
    from vaekit.synonyms import NAMES, meant

    found = NAMES.get(name) or (meant(name, list(PUBLIC)) if not name.startswith("_") else None)
    return f" Did you mean {found}?" if found else ""


def __dir__() -> list[str]:
    return sorted(__all__)
