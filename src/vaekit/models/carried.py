"""Ways to take a model elsewhere: one file, or a repository of a hub.

The work is done on higher floors; what is named here is imported when it is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from torch import nn

from vaekit.config.fields import imported

SAVE, LOAD = "vaekit.runs.one_file:save", "vaekit.runs.one_file:load_as"
HUB = "vaekit.hub.push"


class Carried:
    """Something that can be written into one file, or put on a hub."""

    def save(self, path: str | Path) -> Path:
        """Writes the model into one file, as `vaekit.save` does; `vaekit.load(path)` gives it back.

        Args:
            path: of the file, a safetensors file whatever its ending. One that is there is replaced.
        """
        return imported(SAVE)(self, path)

    def save_pretrained(self, folder: str | Path) -> Path:
        """Writes into a folder what `push_to_hub` sends: model.safetensors, config.json, the model card README.md, and
        samples.png where the model draws pictures.

        Args:
            folder: that is made where it is missing; files of those names are replaced.
        """
        return imported(f"{HUB}:write_folder")(self, folder)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Puts the model on the hub by huggingface_hub's own ModelHubMixin, with a card that is written from its run.

        No image of the data is sent, and no path of this machine. The token is that of `hf auth login` or HF_TOKEN.

        Args:
            repo_id: "OWNER/NAME"; made where it is missing.
            options: of the mixin: `private=True`, `commit_message=`, `branch=`, `create_pr=`, `token=`, `allow_patterns=`,
                `ignore_patterns=`, `delete_patterns=`.

        Returns:
            Address of the commit.

        Raises:
            SettingError: a name that is none on a hub, an option that the mixin does not have, or huggingface_hub is missing.
            RunError: the hub cannot be reached, or refuses.
        """
        return imported(f"{HUB}:push_model")(self, repo_id, **options)


class CarriedModel(Carried):
    """A model class that gives its models back."""

    @classmethod
    def load(
        cls, path: str | Path, *, encoder: nn.Module | None = None, decoder: nn.Module | None = None, device: str = "cpu"
    ) -> Self:  # fmt: skip
        """Loads a model of this class, as `vaekit.load` does of any.

        Args:
            path: a file of `save`, the folder of a run or of `save_pretrained`, or "hub:OWNER/NAME".
            encoder, decoder: own networks, where it has such.
            device: where it goes.

        Raises:
            SettingError: it is a model of another class.
            RunError: there is no such file, or it is damaged.
        """
        return imported(LOAD)(cls, path, encoder=encoder, decoder=decoder, device=device)

    @classmethod
    def from_pretrained(
        cls,
        repo_id: str | Path,
        *,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
        device: str = "cpu",
        **options: Any,
    ) -> Self:
        """Loads a model of this class from the hub, by huggingface_hub's own ModelHubMixin, or from a folder.

        Args:
            repo_id: "OWNER/NAME", or a folder of `save_pretrained` or of a run.
            encoder, decoder: own networks, where it has such.
            device: where it goes.
            options: of the mixin: `revision=`, `token=`, `cache_dir=`, `force_download=`, `local_files_only=`.

        Raises:
            SettingError: it is a model of another class, a name that is none on a hub, or huggingface_hub is missing.
            RunError: it is not there, or damaged, or the hub cannot be reached, or refuses.
        """
        place = repo_id if isinstance(repo_id, str | Path) and Path(repo_id).is_dir() else f"hub:{repo_id}"
        return imported(LOAD)(cls, place, encoder=encoder, decoder=decoder, device=device, **options)
