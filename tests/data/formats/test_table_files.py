"""Tables in files: every way in which people write numbers, against the numbers; and names from the door to the way out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import vaekit
from vaekit.core import DataError
from vaekit.data import load_data
from vaekit.data.formats.table_files import read_table

ROWS = np.array([[1.5, -2e3, 3], [0.25, 1234.5, 4], [12.125, 7, 5]])


def table(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


PLAIN = "a,b,c\n1.5,-2e3,3\n.25,1234.5,4\n12.125,7.,+5\n"
GERMAN = "a;b;c\n1,5;-2000;3\n0,25;1.234,5;4\n12,125;7,0;5\n"
SAME = {
    "commas": PLAIN,
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "bars": PLAIN.replace(",", "|"),
    "spaces around": PLAIN.replace(",", " , "),
    "spaces before quotes": 'a, "b", c\n1.5, "-2e3", 3\n.25, "1234.5", 4\n12.125, "7", 5\n',
    "byte order mark": "\ufeff" + PLAIN,
    "utf-16": ("\ufeff" + PLAIN).encode("utf-16-le"),
    "utf-16, big end first": ("\ufeff" + PLAIN).encode("utf-16-be"),
    "lines of windows": PLAIN.replace("\n", "\r\n"),
    "lines of old macs": PLAIN.replace("\n", "\r"),
    "no last end": PLAIN.rstrip(),
    "empty lines": PLAIN.replace("\n", "\n\n"),
    "quotes": 'a,"b",c\n"1.5","-2000","3"\n"0.25","1234.5","4"\n"12.125","7","5"\n',
    "decimal commas": GERMAN,
    "decimal commas in quotes": 'a,b,c\n"1,5",-2000,3\n"0,25","1234,5",4\n"12,125","7,0",5\n',
    "thousands": 'a,b,c\n1.5,"-2,000",3\n0.25,"1,234.5",4\n12.125,7,5\n',
    "index of pandas": ",a,b,c\n0,1.5,-2e3,3\n1,.25,1234.5,4\n2,12.125,7,5\n",
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_numbers_however_they_are_written(tmp_path: Path, kind: str) -> None:
    found = read_table(table(tmp_path / "t.csv", SAME[kind]))
    assert found.columns == ["a", "b", "c"]
    np.testing.assert_array_equal(found.to_numpy().astype(np.float64), ROWS)


def test_names_with_quotes_line_ends_and_letters_of_all_kinds(tmp_path: Path) -> None:
    names = ['mass, "dry"', "länge\n[cm]", "温度", "a;b"]
    place = tmp_path / "t.csv"
    with place.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, [1, 2, 3, 4], [5, 6, 7, 8]])
    assert read_table(place).columns == names


REFUSED = {
    "1,234 twice over": ("a;b\n1,234;1\n5,678;2\n", "1,234 in column a may be 1234 or 1.234"),
    "two of one name": ("a,a\n1,2\n3,4\n", "two columns are called a"),
    "ragged": ("a,b\n1,2\n3\n", "line 3 has 1 cell, the first one 2"),
    "names alone": ("a,b\n", "a line of names and no rows"),
    "empty": ("", "it is empty"),
    "nul": (b"a,b\n1,\0\n", "bytes that are no text"),
    "open quote": ('a,b\n1,"2\n3,4\n', "cannot be read as a table"),
    "no table at all": (b"\x89PNG\r\n\x1a\n" + bytes(64), "bytes that are no text"),
    "missing": ("a,b\n1,2\n3,\n", r"column b is nan in row 1"),
    "not a number": ("a,b\n1,2\n3,NaN\n", r"column b is nan in row 1"),
    "infinite": ("a,b\n1,2\n3,-inf\n", r"column b is -inf in row 1"),
    "units": ("a,b\n1,2 kg\n3,4 kg\n", r"no numbers: b \(2 kg in row 0\)"),
    "one stray word": ("a,b\n1,2\n3,n.d.\n", r"no numbers: b \(n.d. in row 1\)"),
    "dates": ("a,b\n1,2020-01-31\n3,2020-02-01\n", r"no numbers: b \(2020-01-31 in row 0\)"),
    "percent": ("a,b\n1,2%\n3,4%\n", r"no numbers: b \(2% in row 0\)"),
    "underscores": ("a,b\n1,1_000\n3,2_000\n", r"no numbers: b \(1_000 in row 0\)"),
    "digits of another script": ("a,b\n1,١\n3,٢\n", r"no numbers: b \(١ in row 0\)"),
    "spaces between thousands": ("a,b\n1,1 000\n3,2 000\n", r"no numbers: b \(1 000 in row 0\)"),
    "a point that may be one of thousands": ("a;b\n1,5;1.234\n2,5;x\n", r"no numbers: b \(x in row 1\)"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_one_line_says_what_is_wrong(tmp_path: Path, kind: str) -> None:
    text, said = REFUSED[kind]
    with pytest.raises(DataError, match=said) as caught:
        load_data(table(tmp_path / "t.csv", text), pixels="real")
    assert str(caught.value).startswith(str(tmp_path / "t.csv")) and "\n" not in str(caught.value)


def rows_of_three_classes(count: int = 90) -> tuple[list[str], list[list[object]]]:
    random = np.random.default_rng(0)
    kinds = [index % 3 for index in range(count)]
    rows = [
        [f"{random.normal(5 + k, 0.3):.3f}", f"{random.normal(7e4, 500):.1f}", ("Å", "b c", 'd"e')[k]]
        for k in kinds
    ]
    return ["length (cm)", "weight [kg]", "species"], rows


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    names, rows = rows_of_three_classes()
    with open("plants.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return tmp_path


def of(path: str) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_came_with_names_leaves_with_them(measured: Path, terminal) -> None:
    words = ["--pixels", "real", "--labels-key", "species", "--latent-dim", 2, "--steps", 5, "--out", "run"]
    assert terminal("train", "cvae", "--data", "plants.csv", *words).status == 0
    about = json.loads(Path("run/config.json").read_text(encoding="utf-8"))["data"]
    assert (about["columns"], about["label_column"]) == (["length (cm)", "weight [kg]"], "species")
    _, rows = rows_of_three_classes()
    for command in (["sample", "run", "--count", 6], ["reconstruct", "run", "plants.csv"]):
        assert terminal(*command, "--out", "out.csv").status == 0
        found = of("out.csv")
        assert list(found[0]) == ["species", "length (cm)", "weight [kg]"]
        assert np.mean([float(row["weight [kg]"]) for row in found]) == pytest.approx(7e4, rel=0.05)
    assert [row["species"] for row in found] == [row[2] for row in rows]  # in their order, as they came
    assert terminal("encode", "run", "--data", "plants.csv", "--out", "codes.csv").status == 0
    codes = of("codes.csv")
    assert list(codes[0]) == ["name", "species", "z0", "z1", "z0_std", "z1_std"]
    assert [row["species"] for row in codes] == [row[2] for row in rows]
    assert terminal("reconstruct", "run", "plants.csv", "--out", "out.npz").status == 0
    with np.load("out.npz") as arrays:
        assert arrays["columns"].tolist() == ["length (cm)", "weight [kg]"]
        assert set(arrays["class_names"].tolist()) == {"Å", "b c", 'd"e'}


def test_columns_are_found_by_their_names(measured: Path, terminal) -> None:
    words = ["--pixels", "real", "--labels-key", "species", "--latent-dim", 2, "--steps", 5, "--out", "run"]
    assert terminal("train", "vae", "--data", "plants.csv", *words).status == 0
    names, rows = rows_of_three_classes(30)
    with open("other.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["note", *names[::-1]], *(["x", *row[::-1]] for row in rows)])
    with open("same.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    for name in ("other", "same"):
        assert terminal("reconstruct", "run", f"{name}.csv", "--out", f"{name}-out.csv").status == 0
    assert of("other-out.csv") == of("same-out.csv")
    table(Path("short.csv"), "length (cm),species\n1,Å\n")
    outcome = terminal("reconstruct", "run", "short.csv", "--out", "out.csv")
    assert outcome.status == 2 and "no column weight [kg], which the model was trained on" in outcome.err
    table(Path("bare.csv"), "5.1,70000\n6.2,70100\n")
    assert terminal("reconstruct", "run", "bare.csv", "--out", "out.csv").status == 0
    assert list(of("out.csv")[0]) == ["length (cm)", "weight [kg]"]


def test_a_column_of_text_that_is_called_label(tmp_path: Path) -> None:
    names, rows = rows_of_three_classes()
    lines = [[*names[:2], "class"], *rows]
    with (tmp_path / "t.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)
    data = load_data(tmp_path / "t.csv", pixels="real")
    assert data.columns == names[:2] and data.label_column == "class" and data.classes == 3
    assert "column class is taken as the class of each row" in data.notes
    again = load_data(**data.options)
    assert again.fingerprint == data.fingerprint


def test_columns_in_their_own_units_are_real_values(tmp_path: Path) -> None:
    """Nobody has to say so of a table, of shares as little; what was asked for is checked as before."""
    data = load_data(table(tmp_path / "t.csv", "a,b\n" + "".join(f"{n}.5,{-n}\n" for n in range(40))))
    assert data.pixels == "real" and any("taken as real values" in note for note in data.notes)
    assert not any("taken as pixels" in note for note in data.notes)
    shares = load_data(table(tmp_path / "s.csv", "a,b\n" + "".join(f"{n / 40},0.5\n" for n in range(40))))
    assert shares.pixels == "real" and any("taken as real values" in note for note in shares.notes)
    with pytest.raises(DataError, match="must lie in"):
        load_data(tmp_path / "t.csv", pixels="unit")


@pytest.mark.parametrize(
    "cells",
    [[0, 7, 300], [-3, 0, 5], [1_764_363_600, 1_764_363_601, 1_764_363_602], [20240101.25, 20240101.5, 3.0]],
)
def test_whole_and_large_numbers_of_a_table_are_real_values_to_the_last_digit(
    tmp_path: Path, cells: list[float]
) -> None:
    """Counts, years, times and negative numbers; as exact as with pixels="real", which nobody had to give."""
    path = table(tmp_path / "t.csv", "n,row\n" + "".join(f"{cells[row % 3]},{row}\n" for row in range(60)))
    data, asked = load_data(path), load_data(path, pixels="real")
    assert data.pixels == "real" and data.notes == [
        "columns in units of their own: taken as real values (pixels='real')"
    ]
    assert {*data.train.images[:, 0].tolist()} == {*cells}
    assert torch.equal(data.train.images, asked.train.images) and data.fingerprint == asked.fingerprint


def test_tables_of_digits_are_pixels(tmp_path: Path) -> None:
    """A class and 784 columns of 0 to 255, as MNIST goes round; 65 columns, or numbers to 300, are no picture."""
    random = np.random.default_rng(0)

    def load(columns: int, most: int) -> vaekit.Data:
        values = random.integers(0, most + 1, (40, columns))
        values[0, 0] = most
        head = ",".join(["label", *(f"pixel{i}" for i in range(columns))])
        rows = [",".join(map(str, [row % 3, *line])) for row, line in enumerate(values.tolist())]
        path = table(tmp_path / "t.csv", "\n".join([head, *rows]))
        taken, named = load_data(path), load_data(path, labels_key="label")
        assert taken.classes == (3 if named.pixels == "8-bit" else 0), "the class of pictures is no pixel"
        return named

    data = load(784, 255)
    assert (data.pixels, data.train.images.dtype, data.shape, data.classes) == (
        "8-bit",
        torch.uint8,
        (784,),
        3,
    )
    assert "784 columns of whole numbers 0 to 255: taken as 8-bit pixels (pixels='8-bit')" in data.notes
    assert load(192, 255).pixels == "8-bit"
    assert [load(65, 255).pixels, load(64, 300).pixels, load(9, 255).pixels] == ["real"] * 3


def test_whole_numbers_called_as_classes_are_no_feature_without_a_word(tmp_path: Path) -> None:
    rows = "".join(f"{row % 3},{row / 60}\n" for row in range(60))
    said = "column label is taken as a feature; labels_key='label' makes it the class of each row"
    assert said in load_data(table(tmp_path / "t.csv", "label,x\n" + rows)).notes
    assert said not in load_data(table(tmp_path / "t.csv", "label,x\n" + rows), labels_key="label").notes
    assert said not in load_data(table(tmp_path / "t.csv", "width,x\n" + rows)).notes


def test_parquet_by_pyarrow(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    random = np.random.default_rng(1)
    columns = {
        "x": random.normal(size=60),
        "whole": random.integers(-5, 5, 60),
        "flag": random.random(60) > 0.5,
        "kind": pyarrow.array(np.array(["a", "b", "c"])[np.arange(60) % 3]).dictionary_encode(),
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    data = load_data(tmp_path / "t.parquet", pixels="real", labels_key="kind")
    assert (data.columns, data.class_names) == (["x", "whole", "flag"], ["a", "b", "c"])
    every = np.concatenate([split.images.numpy() for split in data.splits.values()])
    wanted = np.stack([columns["x"], columns["whole"], columns["flag"]], 1)
    np.testing.assert_array_equal(np.sort(every, 0), np.sort(wanted, 0))
    for name, column, said in (
        ("nulls", pyarrow.array([1.0, None] * 30), "column nulls is nan in row 1"),
        ("lists", pyarrow.array([[1, 2]] * 60), "columns that are no numbers: lists"),
        ("when", pyarrow.array(np.arange(60).astype("datetime64[D]")), "columns that are no numbers: when"),
    ):
        parquet.write_table(pyarrow.table({"x": columns["x"], name: column}), tmp_path / "bad.parquet")
        with pytest.raises(DataError, match=said):
            load_data(tmp_path / "bad.parquet", pixels="real")


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaekit.data.formats.table_files.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"\.parquet needs pyarrow: pip install pyarrow"):
        load_data(table(tmp_path / "t.parquet", b"PAR1"))


def test_a_frame_with_two_columns_of_one_name() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.random.default_rng(0).random((30, 2)), columns=["a", "a"])
    with pytest.raises(DataError, match="two columns are called a"):
        vaekit.load_data(frame)
