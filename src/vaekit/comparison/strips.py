"""The pictures of a comparison as they stand on its page."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from vaekit.comparison import pictures
from vaekit.comparison.pictures import Picture
from vaekit.data import Data
from vaekit.images.png import data_uri
from vaekit.models import Model


def sections(models: Mapping[str, Model], data: Data) -> str:
    """Samples, reconstructions and walks of each method."""
    drawn = "".join(_card(method, pictures.samples(model, data)) for method, model in models.items())
    rebuilt = _strip("test images", pictures.originals(data)) + "".join(
        _strip(method, pictures.reconstructions(model, data)) for method, model in models.items()
    )
    walked = "".join(_strip(method, pictures.interpolations(model, data)) for method, model in models.items())
    return (
        f'<h2>Samples</h2><p class="faint">Not chosen; of the first seed.</p><div class="cards">{drawn}</div>'
        f"<h2>The same test images, reconstructed</h2>{rebuilt}"
        f'<h2>From one test image to another</h2><p class="faint">Outermost the two images, between them decoded '
        f"points on the straight line between their latents. A conditional model gets the class of the left "
        f"image all along.</p>{walked}"
    )


def _card(name: str, picture: Picture) -> str:
    return f'<figure class="card"><b>{escape(name)}</b>{_image(name, picture)}</figure>'


def _strip(name: str, picture: Picture) -> str:
    return f'<figure class="strip"><b>{escape(name)}</b>{_image(name, picture)}</figure>'


def _image(name: str, picture: Picture) -> str:
    if picture.content is None:
        return f'<p class="faint">{escape(picture.caption)}</p>'
    caption = escape(picture.caption)
    return (
        f'<img src="{data_uri(picture.content)}" alt="{escape(name)}: {caption}">'
        f"<figcaption>{caption}</figcaption>"
    )
