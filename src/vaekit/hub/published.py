"""A model as it lies on a hub, sent and fetched by the mixin of huggingface_hub itself.

model.safetensors  one file of `vaekit.save`        config.json  its header, for people and the hub's own counts
README.md          the model card                   samples.png  64 samples, of a model that draws pictures
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from huggingface_hub import ModelCard, ModelHubMixin, hf_hub_download

from vaekit.core import RunError
from vaekit.hub.model_card import SAMPLES, card_of, sample_sheet
from vaekit.models import Model
from vaekit.runs.files import read_json, read_tensors, write_atomic, write_json
from vaekit.runs.one_file import read_folder, save
from vaekit.runs.records import CONFIG, WEIGHTS


class Published(ModelHubMixin, library_name="vaekit", tags=["vaekit"]):
    """A model, as the mixin wants it: it fills a folder, and is made of one.

    Attributes:
        model: the model.
        name: of its repository, or its folder, which the card says.
    """

    model: Model
    name: str

    def __init__(self) -> None:  # without arguments: of those the mixin would make a config of its own
        super().__init__()

    @classmethod
    def of(cls, model: Model, name: str) -> Self:
        """Returns a model under its name."""
        made = cls()
        made.model, made.name = model, name
        return made

    def _save_pretrained(self, save_directory: Path) -> None:
        save(self.model, save_directory / WEIGHTS)
        write_json(save_directory / CONFIG, read_tensors(save_directory / WEIGHTS)[1])
        sheet = sample_sheet(self.model)
        if sheet is not None:
            write_atomic(save_directory / SAMPLES, sheet)

    def generate_model_card(self, *args: Any, **kwargs: Any) -> ModelCard:
        data = self._hub_mixin_info.model_card_data.to_dict()
        return ModelCard(card_of(self.model, self.name, data))

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        **how: Any,
    ) -> Self:
        """Fetches a model; `how` are the arguments of `read_folder`."""
        asked = {"revision": revision, "cache_dir": cache_dir, "force_download": force_download}
        asked |= {"local_files_only": local_files_only, "token": token}
        about = read_json(Path(hf_hub_download(model_id, CONFIG, **asked)))
        if "model" not in about:  # of another library, whose weights may be large
            raise RunError(f"{model_id} is no model of vaekit, by its {CONFIG}.")
        place = Path(hf_hub_download(model_id, WEIGHTS, **asked))
        try:
            return cls.of(read_folder(place.parent, **how), model_id)
        except RunError as error:
            said = str(error).removesuffix(".")
            raise RunError(f"{model_id}: {said}; force_download=True fetches it again.") from None
