"""The explorer as a folder that any file server can serve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from vaekit.explorer.export.program import Weights, write_program
from vaekit.explorer.material import Material, to_json
from vaekit.explorer.site import page_files
from vaekit.explorer.subject import Call, Subject, exportable
from vaekit.runs.files import new_folder


def programs(subject: Subject) -> tuple[dict[str, Any], bytes]:
    """The networks for the page, and their weights.

    Raises:
        SettingError: an operation that the page does not know.
    """
    weights, written = Weights(), {}
    y = (torch.zeros(1),) if subject.can.classes else ()
    image = subject.shown(subject.run.previews.take(torch.arange(1)))
    latents = torch.zeros(1, subject.can.length)
    wanted = {  # name of the program -> method, its example, whether there is one
        "pictures": ("pictures", latents, True),
        "codes": ("moments", image, subject.can.encodes),
        "nats": ("nats", image, subject.can.scores),
    }
    with exportable(subject):
        for name, (method, example, there) in wanted.items():
            if there:
                written[name] = write_program(Call(subject, method).eval(), (example, *y), weights)
    about = {"range": list(subject.range), "fit": subject.run.settings.data.fit}
    return written | about, weights.content()


def write_page(material: Material, out: Path) -> dict[str, int]:
    """Writes the page into a new folder.

    Returns:
        file -> bytes.

    Raises:
        SettingError: the model needs what the page cannot compute.
        RunError: the folder cannot be written; nothing is left behind.
    """
    written, weights = programs(material.subject)
    contents = {name: lambda content=content: content for name, content in page_files().items()}
    contents |= {f"data/{name}": make for name, make in material.files().items()}
    contents["data/about.json"] = lambda: to_json(material.about("page"))
    contents["data/programs.json"] = lambda: to_json(written)
    contents["data/weights.bin"] = lambda: weights
    sizes = {}
    with new_folder(out) as part:
        (part / "data").mkdir()
        for name, make in contents.items():
            content = make()
            (part / name).write_bytes(content)
            sizes[name] = len(content)
    return sizes
