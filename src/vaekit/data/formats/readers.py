"""Formats that other packages read, and what to do about those that none is asked to."""

from __future__ import annotations

REMEDIES = {
    ".csv": "read it as a table and pass that: load_data(pandas.read_csv(...))",
    ".tsv": "read it as a table and pass that: load_data(pandas.read_csv(..., sep='\\t'))",
    ".parquet": "read it as a table and pass that: load_data(pandas.read_parquet(...))",
    ".feather": "read it as a table and pass that: load_data(pandas.read_feather(...))",
    ".arrow": "open it with datasets.Dataset.from_file(...) and pass that",
    ".xlsx": "read it as a table and pass that: load_data(pandas.read_excel(...))",
    ".pt": "pass the tensor itself in Python, or save it with numpy.save as .npy",
    ".pth": "pass the tensor itself in Python, or save it with numpy.save as .npy",
    ".pkl": "it may run any code when it is opened; save arrays with numpy.savez as .npz",
    ".pickle": "it may run any code when it is opened; save arrays with numpy.savez as .npz",
    ".safetensors": "pass its tensors as a dict in Python, or save them with numpy.savez as .npz",
    ".h5": "read the arrays with h5py and pass them, or save them with numpy.savez as .npz",
    ".hdf5": "read the arrays with h5py and pass them, or save them with numpy.savez as .npz",
    ".mat": "read the arrays with scipy.io.loadmat and pass them, or save them with numpy.savez as .npz",
    ".gz": "unpack it first",
    ".7z": "unpack it into a folder, or save it as .zip",
    ".rar": "unpack it into a folder, or save it as .zip",
    ".mp4": "save its frames as images in a folder",
    ".avi": "save its frames as images in a folder",
}  # fmt: skip


def remedy_for(ending: str) -> str:
    """What to do with a file of this ending, to put behind its name; lower case."""
    from vaekit.data.formats.picture_files import SUFFIXES

    if ending in SUFFIXES:
        return "; a set to train on is a folder of such images"
    known = REMEDIES.get(ending)
    return f"; {known}" if known else "; save arrays with numpy.save or numpy.savez, or images in a folder"
