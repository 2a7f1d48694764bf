"""No figure cuts type off, sets one line over another, or lays a legend over what is drawn."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.text import Text

from vaekit.coding.general_lossy import Point
from vaekit.data import load_data
from vaekit.images.colours import PETROFF
from vaekit.models import VAE
from vaekit.objectives.elbo import ELBO
from vaekit.plots.bytes_and_error import bytes_and_error
from vaekit.plots.draw import figures, png
from vaekit.plots.style import HEADING
from vaekit.plots.vector import DARK, svg
from vaekit.runs.load import load_run
from vaekit.training.fit import fit

NAMES = ["activities", "animals-nature", "flags", "food-drink", "objects of the house", "people-body", "smileys-emotion", "symbols",
         "travel-places", "ten", "eleven", "twelve"]  # fmt: skip


@pytest.fixture(scope="module", params=["two latents", "forty latents", "conditional"])
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Figures of a run with many classes of long names, whose learning rate and β vary; of densities, so that units are long."""
    folder, rng = tmp_path_factory.mktemp("drawn"), np.random.default_rng(0)
    labels = np.arange(240) % 12
    x = rng.integers(0, 80, (240, 3, 8, 8), dtype=np.uint8) + (14 * labels).astype(np.uint8).reshape(
        -1, 1, 1, 1
    )
    np.savez(folder / "x.npz", x=x, y=np.array(NAMES)[labels])
    data = load_data(folder / "x.npz", layout="NCHW")
    classes = data.classes if request.param == "conditional" else 0
    latents = 40 if request.param == "forty latents" else 2
    model = VAE(data.shape, latent_dim=latents, network="mlp", width=16, depth=1, pixels=data.pixels, classes=classes,
                likelihood="gaussian-optimal")  # fmt: skip
    fit(
        model,
        ELBO(),
        data,
        out=folder / "run",
        epochs=4,
        batch_size=32,
        schedule="cosine",
        progress="none",
        device="cpu",
    )
    return figures(load_run(folder / "run"), tsne=True, ellipses=5).figures


def written(figure: Any) -> list[Text]:
    """The lines that are drawn, ticks beyond an axis and hidden ones not among them."""
    seen: list[Text] = []

    class Watched(RendererAgg):
        def draw_text(
            self,
            gc: Any,
            x: Any,
            y: Any,
            s: Any,
            prop: Any,
            angle: Any,
            ismath: Any = False,
            mtext: Any = None,
        ) -> None:
            seen.append(mtext)

    figure.canvas = FigureCanvasAgg(figure)
    figure.canvas.draw()  # lays it out
    width, height = (round(side * figure.dpi) for side in figure.get_size_inches())
    figure.draw(Watched(width, height, figure.dpi))
    rimmed = [
        text
        for text in figure.findobj(Text)
        if text.get_path_effects() and text.get_visible() and text.get_text()
    ]
    return [text for text in dict.fromkeys([*seen, *rimmed]) if text is not None and text.get_text().strip()]


def test_no_type_is_cut_off_or_covered(drawn: Any, coded: Any) -> None:
    assert len(drawn) >= 9
    for name, figure in (drawn | coded).items():
        texts = written(figure)
        assert len(texts) >= 2, name
        renderer, page = figure.canvas.get_renderer(), figure.bbox
        boxes = [(text, text.get_window_extent(renderer)) for text in texts]
        for text, box in boxes:
            axes = text.axes if text.get_clip_on() else None
            frame = page if axes is None else axes.bbox.padded(3)
            if axes is not None and not axes.bbox.overlaps(box):
                continue  # outside of the axes that it is clipped to: not there
            inside = (
                frame.x0 - 1 <= box.x0
                and box.x1 <= frame.x1 + 1
                and frame.y0 - 1 <= box.y0
                and box.y1 <= frame.y1 + 1
            )
            assert inside, f"{name}: {text.get_text()!r} is cut off"
        for (first, a), (second, b) in combinations(
            [pair for pair in boxes if not pair[0].get_path_effects()], 2
        ):
            across, along = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            covered = max(across, 0) * max(along, 0) / min(a.width * a.height, b.width * b.height)
            assert covered < 0.2, f"{name}: {first.get_text()!r} and {second.get_text()!r}"


@pytest.fixture
def coded() -> dict[str, Any]:
    """Bytes against error of coders whose points lie everywhere, in the corners too."""
    names = ["vaekit, codes under their prior", "WebP", "JPEG", "JPEG, its scan alone", "JPEG XL"]
    lines = {
        name: [Point(30 * k + 9 * number, 0.02 / k**2) for k in range(1, 6)]
        for number, name in enumerate(names)
    }
    return {"bytes and error": bytes_and_error(lines, "Photographs that the model has not seen.")}


def test_no_legend_lies_over_data(drawn: Any, coded: Any) -> None:
    for name, figure in (drawn | coded).items():
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()
        legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
        for legend in legends:
            box = legend.get_window_extent(renderer).padded(-2)
            assert not any(axes.bbox.overlaps(box) for axes in figure.axes), name


def test_an_svg_is_whole_and_has_its_heading_as_words(drawn: Any) -> None:
    """The same bytes for the same figure, no date and no random name in them; the heading is not drawn a second time."""
    for name in ("training", "reconstructions", "rate_distortion"):
        figure = drawn[name]
        png(figure)  # as they are written: laid out once
        content = svg(figure)
        tree = ElementTree.fromstring(content)
        space = "{http://www.w3.org/2000/svg}"
        title, note = tree.find(f"{space}title"), tree.find(f"{space}desc")
        assert title is not None and title.text == " ".join(figure.heading.title)
        assert note is not None and (note.text or "") == " ".join(figure.heading.note)
        assert all(text.get_visible() for text in figure.texts)
        lines = [text for text in figure.texts if text.get_gid() != HEADING]
        assert content.count(b'id="heading') == 0
        assert content == svg(figure), name
        assert len(lines) == 0 or b'id="text_' in content
        _, top, _, height = map(float, tree.attrib["viewBox"].split())
        assert top + height == pytest.approx(72 * figure.get_figheight(), abs=0.01)


def test_what_is_drawn_in_the_page_s_colours_turns_on_a_dark_page(drawn: Any) -> None:
    """Every colour of type and lines that is dark, or is the page's white, has another in the style for dark pages."""
    turned = {light.lower() for light in DARK}
    for name in ("training", "rate_distortion", "latent_map"):
        if name not in drawn:
            continue
        content = svg(drawn[name]).decode()
        used = {found.lower() for found in re.findall(r"(?:fill|stroke): (#[0-9a-fA-F]{6})", content)}
        grey = {c for c in used if max(abs(int(c[i : i + 2], 16) - int(c[1:3], 16)) for i in (3, 5)) < 24}
        grey -= {colour.lower() for colour in PETROFF}  # of classes: seen on both
        assert grey <= turned, (name, grey - turned)
