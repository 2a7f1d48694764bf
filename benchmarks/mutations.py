"""Does a test fail on each wrong program that stands between a right number and the reader's eye?

    python benchmarks/mutations.py [WORD ...] [--check]

Each entry of MUTATIONS puts one mistake into a temporary copy of the source and runs the tests that must
fail on it: figures under the wrong column, the worst in bold, a wrong split, swapped ends. With words only the
entries whose description has one of them. Before, the tests are run once on the right program; --check does
only that. Reported are killed, SURVIVED (no test failed), BROKEN (the tests could not be run) and STALE (the
line is no longer in the source: write the entry again). Exit status 1 unless all are killed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Mutation(NamedTuple):
    """A wrong program.

    Attributes:
        what: what is wrong.
        file: below src/vaekit.
        right: a part of the source that occurs once.
        wrong: what stands in its place.
        tests: below tests, as words of pytest.
    """

    what: str
    file: str
    right: str
    wrong: str
    tests: str


# fmt: off
MUTATIONS = [Mutation(*entry) for entry in (
    # plots
    ("reconstructions: the originals twice", "plots/drawings.py",
     "view.images[chosen], reconstruct(view.model, view.split.take(chosen))", "view.images[chosen], view.images[chosen]",
     "plots/test_draw.py::test_reconstructions_stand_below_their_originals_from_the_best_to_the_worst"),
    ("reconstructions: above their originals", "plots/grids.py",
     "torch.cat([images[i], rebuilt[i]])", "torch.cat([rebuilt[i], images[i]])",
     "plots/test_draw.py::test_reconstructions_stand_below_their_originals_from_the_best_to_the_worst"),
    ("reconstructions: the worst called the best", "plots/grids.py",
     "order = torch.argsort(errors, stable=True)", "order = torch.argsort(errors, stable=True, descending=True)",
     "plots/test_draw.py::test_reconstructions_stand_below_their_originals_from_the_best_to_the_worst"),
    ("samples: a blank picture", "plots/grids.py",
     "sheet(tile(shown, columns, place.scale), title", "sheet(tile(0 * shown, columns, place.scale), title",
     "cli/commands/test_figures.py cli/commands/test_train.py::test_demo_draws_and_says_where"),
    ("samples: in reversed order", "plots/grids.py",
     "sheet(tile(shown, columns, place.scale), title", "sheet(tile(shown.flip(0), columns, place.scale), title",
     "plots/test_draw.py::test_samples_stand_in_their_order"),
    ("nearest training images: above other samples", "plots/code_maps.py",
     "originals.split(place.columns), strict=True)", "originals.flip(0).split(place.columns), strict=True)",
     "plots/test_draw.py::test_each_sample_stands_above_the_training_image_nearest_to_it"),
    ("nearest training images: among test images", "plots/drawings.py",
     "sample(view.model, FEW), view.data.train.images", "sample(view.model, FEW), view.data.test.images",
     "plots/test_draw.py::test_each_sample_stands_above_the_training_image_nearest_to_it"),
    ("samples by temperature: labels reversed", "plots/code_maps.py",
     'names = [f"{temperature:g}" for temperature in rows]', 'names = [f"{temperature:g}" for temperature in reversed(rows)]',
     "plots/test_code_maps.py"),
    ("class grid: labels reversed", "plots/conditional.py",
     "for name in names[: place.rows]], 0)", "for name in names[: place.rows][::-1]], 0)",
     "plots/test_conditional.py"),
    ("class styles: the label of the next class", "plots/conditional.py",
     "shorten(name)) for i, name in enumerate(names[:rows])]", "shorten(names[i - 1])) for i in range(rows)]",
     "plots/test_conditional.py"),
    ("latent map: legend in reversed colours", "plots/maps.py",
     "axes.scatter([], [], c=palette[i]", "axes.scatter([], [], c=palette[-1 - i]",
     "plots/test_maps.py"),
    ("latent map: points in the colours of other classes", "plots/maps.py",
     "c=palette[numbers[chosen]]", "c=palette[::-1][numbers[chosen]]",
     "plots/test_maps.py"),
    ("latent map: names at other classes", "plots/maps.py",
     "zip(names.values(), places, strict=True)", "zip(names.values(), places[::-1], strict=True)",
     "plots/test_maps.py"),
    ("traversals: from +3 to -3", "plots/paths.py",
     "places = torch.linspace(-3, 3, steps)", "places = torch.linspace(3, -3, steps)",
     "plots/test_travel.py"),
    ("traversals: labels of the dimensions reversed", "plots/travel.py",
     "for d in shown.tolist()\n", "for d in shown.flip(0).tolist()\n",
     "plots/test_travel.py"),
    ("interpolations: ends swapped", "plots/travel.py",
     "rows = [torch.cat([ends[0], row, ends[1]])", "rows = [torch.cat([ends[1], row, ends[0]])",
     "plots/test_travel.py::test_interpolations_stand_between_their_originals"),
    ("manifold: upside down", "plots/paths.py",
     "torch.meshgrid(ticks.flip(0), ticks", "torch.meshgrid(ticks, ticks",
     "plots/test_travel.py"),
    ("manifold: labels of z1 upside down", "plots/travel.py",
     "rows=place.middles(names[::-1], 0)", "rows=place.middles(names, 0)",
     "plots/test_travel.py"),
    ("curves: training and validation swapped", "plots/curves.py",
     "x, y = series(metrics, split, key)\n        if",
     'x, y = series(metrics, {"train": "validation", "validation": "train"}.get(split, split), key)\n        if',
     "plots/test_curves.py"),
    ("curves: steps called epochs", "plots/curves.py",
     "line.step / rate for line in lines", "line.step for line in lines",
     "plots/test_curves.py"),
    ("KL by dimension: ticks in the order of the model", "plots/curves.py",
     "for d in order[::step]]", "for d in range(0, rows, step)]",
     "plots/test_curves.py"),
    ("information map: columns of other factors", "plots/factor_maps.py",
     "axes.set_xticks(range(len(names)), names,", "axes.set_xticks(range(len(names)), names[::-1],",
     "plots/test_factor_maps.py"),
    ("factor table: columns permuted", "evaluation/factors/factor_table.py",
     "return np.stack(columns, axis=1)", "return np.stack(columns[::-1], axis=1)",
     "plots/test_factor_maps.py"),
    # comparison
    ("comparison: every figure under another method", "comparison/page.py",
     "{_cell(table.get(method, name),", "{_cell(table.get(table.methods[-1 - table.methods.index(method)], name),",
     "comparison/test_page.py"),
    ("comparison: the worst in bold", "comparison/page.py",
     "method in best, absent(name)", "method not in best, absent(name)",
     "comparison/test_page.py"),
    ("comparison: the floor of another row", "comparison/page.py",
     "escape(figure(floor[name])) if name in floor", "escape(figure(floor[min(floor)])) if name in floor",
     "comparison/test_page.py"),
    ("comparison: head in alphabetical order", "comparison/page.py",
     "</th>' for method in methods)\n    body", "</th>' for method in sorted(methods))\n    body",
     "comparison/test_page.py"),
    ("comparison: the mark of another verdict", "comparison/page.py",
     '"holds": "yes", "does not hold here": "no"', '"holds": "no", "does not hold here": "yes"',
     "comparison/test_page.py"),
    ("comparison: reconstructions of the other method", "comparison/page.py",
     "_strip(method, pictures.reconstructions(model, data)) for method, model in models.items()",
     "_strip(method, pictures.reconstructions(model, data)) for method, model in zip(models, reversed(models.values()))",
     "comparison/test_page.py::test_pictures_are_those_of_the_method_whose_name_they_bear"),
    ("comparison: the floor from test images", "comparison/measure.py",
     "train = chosen(self.data.train, self.count, self.seed).images", "train = chosen(self.data.test, self.count, self.seed).images",
     "comparison/test_measure.py"),
    ("comparison: judged by the first test images", "comparison/measure.py",
     'return some(self.count, size, self.seed, "judging")', "return torch.arange(size)", "comparison/test_measure.py"),
    ("lesson: a GAN is stable", "comparison/lesson_claims.py",
     'LessVariance("vae", "gan")', 'LessVariance("gan", "vae")', "comparison/test_lesson_claims.py"),
    ("lesson: beta-VAE regularises less", "comparison/lesson_claims.py",
     'lower("code_bits", "beta-vae", "vae")', 'higher("code_bits", "beta-vae", "vae")', "comparison/test_lesson_claims.py"),
    ("lesson: a GAN covers the modes", "comparison/lesson_claims.py",
     'higher("recall", "vae", "gan"), higher("least_class", "vae", "gan")',
     'higher("recall", "gan", "vae"), higher("least_class", "gan", "vae")', "comparison/test_lesson_claims.py"),
    # metrics
    ("metrics: lower precision is better", "metrics/entries.py",
     "Generated images within the neighbourhoods of test images.\", HIGHER",
     "Generated images within the neighbourhoods of test images.\", LOWER", "comparison/test_page.py metrics"),
    ("metrics: a larger squared error is better", "metrics/entries.py",
     '"Mean over the values of reconstructed images.", LOWER', '"Mean over the values of reconstructed images.", HIGHER',
     "comparison/test_page.py metrics"),
    ("metrics: total correlation explained as dimension-wise KL", "metrics/entries.py",
     "How far the latent dimensions are from being independent of each other.",
     "How far each latent dimension by itself is from the prior.", "metrics"),
    ("metrics: the rate called distortion", "metrics/entries.py",
     'RATE = Metric("rate"', 'RATE = Metric("distortion"', "metrics"),
    ("metrics: the distortion drawn as KL(q‖p)", "metrics/entries.py",
     'LOWER, "−log p(x|z)", "dist"', 'LOWER, "KL(q(z|x) ‖ p(z))", "dist"', "metrics"),
    # evaluation and data
    ("data: copies between splits not counted", "data/describe.py",
     "copies(keys[held], keys[other])", "0", "data/test_describe.py"),
    ("data: copies counted the other way", "data/describe.py",
     "copies(keys[held], keys[other])", "copies(keys[other], keys[held])", "data/test_describe.py"),
    ("evaluate: gap to the training images of other data", "evaluation/evaluate.py",
     "train = data.train if run is None or data.fingerprint == run.config.data.fingerprint else None", "train = data.train",
     "evaluation/test_evaluate.py::test_the_gap_is_to_the_training_images_of_the_run_and_to_no_others"),
    ("evaluate: gap with the wrong sign", "evaluation/latents/health.py",
     "return here.value - self.train_negative_elbo.value,", "return self.train_negative_elbo.value - here.value,",
     "evaluation/latents/test_health.py"),
    ("evaluate: training images measured", "evaluation/evaluate.py",
     "return Asked(model, data, data.test,", "return Asked(model, data, data.train,", "evaluation/test_evaluate.py"),
    ("evaluate: floor and figure swapped in the table", "evaluation/table.py",
     'yield Row(key, metric, value, error, values.get(f"{key}_floor"), sentence)',
     'yield Row(key, metric, values.get(f"{key}_floor", value), error, value, sentence)',
     "evaluation/test_evaluate.py::test_quality_of_samples_when_features_are_given"),
    ("quality: floor from generated images", "evaluation/samples/quality.py",
     "floor = compare_features(features[2], features[1]", "floor = compare_features(features[0], features[1]",
     "evaluation/samples/test_quality.py"),
    ("quality: precision and recall swapped", "evaluation/samples/quality.py",
     'f"precision_{name}": mean_of(manifolds.inside.double())', 'f"precision_{name}": mean_of(manifolds.reached.double())',
     "evaluation/samples/test_quality.py"),
    ("probe: labels of the training images", "evaluation/latents/probes.py",
     "argmax(1) == test_labels[rows]", "argmax(1) == train_labels[rows]", "evaluation/latents/test_probes.py"),
    ("score: the least odd first", "evaluation/score.py",
     "torch.argsort(scores[by], descending=True, stable=True)", "torch.argsort(scores[by], stable=True)",
     "cli/commands/test_score.py"),
    ("score: a sheet of the first images", "evaluation/score.py",
     "self.split.images[self.order[:count]]", "self.split.images[:count]", "cli/commands/test_score.py"),
    ("score: columns under other names", "evaluation/score.py",
     "for values in self.scores.values()]", "for values in reversed(self.scores.values())]", "cli/commands/test_score.py"),
    ("score: AUROC inverted", "evaluation/score.py",
     "aurocs(usual, strange)", "aurocs(strange, usual)", "cli/commands/test_score.py"),
    ("score: AUROC against another source inverted", "evaluation/score.py",
     "aurocs(found, theirs)", "aurocs(theirs, found)", "cli/commands/test_score.py"),
    ("encode: always the test images", "runs/ask.py",
     "chosen = picked(found, split)", "chosen = found.test",
     "cli/commands/test_encode.py"),
    ('encode: means and deviations swapped', 'runs/ask.py',
     '{"mean": self.embedding.mean.numpy(), "std": self.embedding.stddev.numpy()}',
     '{"mean": self.embedding.stddev.numpy(), "std": self.embedding.mean.numpy()}',
     'cli/commands/test_encode.py'),
    ("encode: labels and names not in the order of the codes", "runs/outputs.py",
     "columns: list[np.ndarray] = [arrays[key] for key in single]", "columns: list[np.ndarray] = [arrays[key][::-1] for key in single]",
     "cli/commands/test_encode.py"),
    ("sample: another seed", "runs/ask.py",
     "seed=seed, temperature=temperature) for y in parts", "seed=0, temperature=temperature) for y in parts",
     "cli/commands/test_images.py::test_samples_are_those_of_the_model"),
    ("reconstruct: --redraw-as without effect", "runs/ask.py",
     "inference.reconstruct(model, split, other)", "inference.reconstruct(model, split, None)",
     "cli/commands/test_labels.py::test_previews_redrawn_as_another_class"),
    ("reconstruct: the original at the right", "runs/ask.py",
     "torch.cat([found.originals, rebuilt], -1)", "torch.cat([rebuilt, found.originals], -1)",
     "cli/commands/test_images.py"),
    # runs
    ("previews: out of order", "runs/write.py",
     '{"images": split.images.numpy()}', '{"images": split.images.flip(0).numpy()}',
     "runs/test_load.py::test_previews_are_64_test_images_with_their_names_or_training_images"),
    ("previews: training images", "runs/write.py",
     "split = data.test if len(data.test) else data.train", "split = data.train",
     "runs/test_load.py::test_previews_are_64_test_images_with_their_names_or_training_images"),
    ("classes of another source not renumbered", "runs/load.py",
     "labels = renumbered(labels, theirs, ours, data.source)", "labels = labels",
     "cli/commands/test_labels.py::test_names_of_folders_are_labels"),
    ('summary: the validation split called test', 'training/trainer.py',
     '{"test": self.measure(test, "test")}', '{"test": self.measure(self.validation, "test")}',
     'training/test_fit.py::test_the_summary_has_each_split_under_its_name'),
    # report and explorer
    ("report: pictures in another order than their captions", "reports/run.py",
     'src="{sources[name]}"', 'src="{sources[min(figures)]}"', "reports/test_run.py"),
    ("report: captions of other figures", "reports/run.py",
     "FIGURES[name].caption if name in FIGURES", "FIGURES[min(figures)].caption if name in FIGURES", "reports/test_run.py"),
    ("report: validation and test columns swapped", "reports/run.py",
     "[by_split[name].get(key) for name in splits]", "[by_split[name].get(key) for name in splits[::-1]]", "reports/test_run.py"),
    ("explorer: scores not sorted", "explorer/material.py",
     "split.labels).sort().values)", "split.labels))",
     "explorer/test_server.py"),
    ("explorer: axes of other dimensions", "explorer/material.py",
     "floats(embedding.mean[:, d])", "floats(embedding.mean[:, -1 - d])", "explorer/test_server.py"),
    ("explorer: means of other classes", "explorer/material.py",
     "mean[labels == c].mean(0)", "mean[labels == count - 1 - c].mean(0)", "explorer/test_server.py"),
    ("explorer: dimensions by rising relevance", "explorer/material.py",
     "torch.argsort(relevance, descending=True, stable=True).tolist()", "torch.argsort(relevance, stable=True).tolist()",
     "explorer/test_server.py"),
    ("explorer: pictures in columns", "images/sheet.py",
     "sheet.reshape(rows, columns, channels, height, width)", "sheet.reshape(columns, rows, channels, height, width).swapaxes(0, 1)",
     "explorer/test_server.py"),
    ("explorer: share of images above called share below", "explorer/page/yours.js",
     "scores.filter((other) => other < score)", "scores.filter((other) => other > score)",
     "explorer/test_page.py::test_an_image_of_ones_own"),
    ("export: outputs of the encoder under swapped names", "explorer/export/onnx_files.py",
     '["mean", "std"]', '["std", "mean"]', "cli/commands/test_explore.py::test_onnx_files"),
    ("export: standard deviations where means are expected", "explorer/subject.py",
     "return found.mean, found.stddev", "return found.stddev, found.mean",
     "explorer/test_server.py::test_encode_is_the_models_own"),
    # models and options
    ("models: a VAE refuses to sample", "models/vae.py",
     "if self.fitted is not None:", "if True:",
     "models/test_vae.py contract/test_methods.py"),
    ("models: an autoencoder samples", "models/ae.py",
     "z = self.latents_of_prior(count, y, temperature, generator)", "z = torch.randn(count, self.latent_dim)",
     "contract/test_methods.py"),
    ("options: commands take no notice of one of the data's", "config/fields.py",
     "for field in dataclasses.fields(section)}\n\n\n",
     'for field in dataclasses.fields(section) if field.name != "binarize"}\n\n\n',
     "cli/commands/test_data.py"),
)]
# fmt: on


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", help="only the entries whose description has one of these")
    parser.add_argument(
        "--check", action="store_true", help="only see that the tests pass on the right program"
    )
    options = parser.parse_args()
    chosen = [m for m in MUTATIONS if not options.words or any(word in m.what for word in options.words)]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "src"
        shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
        tests = list(dict.fromkeys(name for mutation in chosen for name in mutation.tests.split()))
        if run(tests, source, "-q"):
            print("the tests do not pass on the right program; see above")
            return 1
        if options.check:
            return 0
        outcomes = [report(mutation, source) for mutation in chosen]
    print(", ".join(f"{outcomes.count(name)} {name}" for name in dict.fromkeys(outcomes)))
    return int(set(outcomes) != {"killed"})


def report(mutation: Mutation, source: Path) -> str:
    """Tries one entry, and prints what became of it."""
    began = time.monotonic()
    outcome = attempt(mutation, source)
    print(f"{outcome:9}{time.monotonic() - began:6.1f} s  {mutation.what}", flush=True)
    return outcome


def attempt(mutation: Mutation, source: Path) -> str:
    """Puts the mistake into the source, runs the tests, and puts the source right again."""
    path = source / "vaekit" / mutation.file
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text.count(mutation.right) != 1 or mutation.right == mutation.wrong:
        return "STALE"
    path.write_text(text.replace(mutation.right, mutation.wrong), encoding="utf-8")
    try:
        status = run(mutation.tests.split(), source, "-qx", quiet=True)
    finally:
        path.write_text(text, encoding="utf-8")
    return {0: "SURVIVED", 1: "killed"}.get(status, "BROKEN")


def run(tests: list[str], source: Path, *options: str, quiet: bool = False) -> int:
    """The exit status of pytest on a copy of the source: 0 all passed, 1 some failed."""
    words = [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        [*words, *(f"tests/{name}" for name in tests)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL if quiet else None,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
