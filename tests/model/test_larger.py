"""Streamed fits: Parquet files in pieces, whose training rows are on disk."""

import gzip
import os
import resource
import signal
import tempfile
import weakref
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

import backpass
from backpass.errors import DataError, InsufficientMemoryError, InterruptedTraining, ResourceError, UsageError
from backpass.model import Settings, load
from backpass.model.batches.findings import MergedNotes
from backpass.model.fitting.larger import parquet, sample, stored, text
from backpass.model.fitting.larger.choice import resident_or_streamed
from backpass.model.fitting.larger.packed import Form, Packing, differing
from backpass.model.fitting.larger.parquet import ParquetSource
from backpass.model.fitting.larger.sample import FirstRows, drawn
from backpass.model.fitting.larger.streamed import streamed_problem
from backpass.model.fitting.larger.text import TextSource
from backpass.model.fitting.runs.ensemble import members_of
from backpass.table.delimited import delimited
from backpass.table.files.opening import opened
from backpass.table.messages import left_out_note
from backpass.table.windows import sampling
from backpass.table.windows.read_settings import ReadSettings
from backpass.training import Callback, StopRequest
from backpass.training.feed import Feed
from backpass.training.processes.exchange import Solo

N = 3_000
PLAIN = {"hidden": (8,), "epochs": 3, "batch_size": 64, "seed": 5, "validation_fraction": 0.2, "engine": "native"}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples, pieces and windows of a few hundred rows."""
    monkeypatch.setattr(sample, "SAMPLE", 600)
    monkeypatch.setattr(parquet, "PIECE", 256)
    monkeypatch.setattr(stored, "WINDOW", 2**13)


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the temporary folders are made."""
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def texts(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of a few hundred rows of text files."""
    monkeypatch.setattr(sampling, "ROWS", 256)
    monkeypatch.setattr(delimited, "PIECE", 2**13)
    monkeypatch.setattr(text, "ROWS", 256)


def columns(n: int = N) -> dict:
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=n), rng.normal(size=n)
    town = rng.choice(["Ulm", "Bonn", "Kiel"], n)
    return {"x": x, "z": z, "town": town, "y": np.sin(x) + (town == "Ulm") + 0.1 * z + 0.05 * rng.normal(size=n)}


def write(path: Path, data: dict, group: int = 400) -> Path:
    pq.write_table(pa.table(data), path, row_group_size=group)
    return path


def test_a_sample_of_all_rows_is_the_fit_in_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", columns(500))
    for preset in ({"preset": "default", "max_steps": 4}, PLAIN):
        streamed, resident = (backpass.fit(path, "y", stream=each, **preset) for each in (True, False))
        np.testing.assert_array_equal(streamed.theta, resident.theta)
        assert streamed.record.scores == resident.record.scores


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("preset", [PLAIN, {"preset": "default", "max_steps": 90, "seed": 5}])
def test_windows_train_as_well_as_memory_with_the_same_bits_for_any_threads(
    tmp_path: Path, folders: Path, preset
) -> None:
    path = write(tmp_path / "t.parquet", columns())
    models = [backpass.fit(path, "y", stream=True, threads=threads, **preset) for threads in (1, 2)]
    np.testing.assert_array_equal(models[0].theta, models[1].theta)
    rows = models[0].record.rows
    held = rows["test"] + (0 if "preset" in preset else rows["validation"])
    assert rows["train"] + held == N
    resident = backpass.fit(path, "y", **preset).record.scores["test"]["rmse"]
    assert models[0].record.scores["test"]["rmse"] < 1.25 * resident + 0.02
    assert any("a random sample of" in note for note in models[0].record.notes)
    models[0].save(tmp_path / "m.backpass")
    loaded = load(tmp_path / "m.backpass")
    np.testing.assert_array_equal(loaded.theta, models[0].theta)
    assert not [*folders.iterdir()]


@pytest.mark.usefixtures("small", "folders")
def test_a_sorted_file_one_row_group_and_several_files_give_rows_to_every_window(tmp_path: Path) -> None:
    data = columns()
    order = np.argsort(data["y"])
    ordered = {name: values[order] for name, values in data.items()}
    paths = {
        "shuffled": write(tmp_path / "t.parquet", data),
        "sorted": write(tmp_path / "sorted.parquet", ordered),
        "one group": write(tmp_path / "one.parquet", ordered, group=N),
    }
    for i in range(3):
        write(
            tmp_path / f"part-{i}.parquet",
            {name: values[i * 1000 : (i + 1) * 1000] for name, values in ordered.items()},
        )
    paths["files"] = tmp_path / "part-*.parquet"
    models = {name: backpass.fit(path, "y", stream=True, **PLAIN) for name, path in paths.items()}
    scores = {name: model.record.scores["test"]["rmse"] for name, model in models.items()}
    assert max(scores.values()) < 1.3 * min(scores.values()) + 0.02
    # How the rows are divided into groups and files does not matter.
    np.testing.assert_array_equal(models["sorted"].theta, models["one group"].theta)
    np.testing.assert_array_equal(models["sorted"].theta, models["files"].theta)


@pytest.mark.usefixtures("small", "folders")
def test_weights_missing_targets_and_rare_classes(tmp_path: Path) -> None:
    data = columns()
    classes = np.where(data["y"] > 0.5, "high", "low").astype(object)
    classes[2_999], classes[7], classes[2_500] = "rare", None, "rare"
    data |= {"y": classes, "w": np.where(np.arange(N) % 2, 2.0, 0.5)}
    path = write(tmp_path / "t.parquet", data)
    settings = PLAIN | {"class_weight": "balanced", "task": "classification"}
    model = backpass.fit(path, "y", weight="w", stream=True, **settings)
    assert set(model.head.classes) == {"high", "low", "rare"}
    assert model.record.scores["test"]["accuracy"] > 0.8
    assert sum(model.record.rows.values()) == N - 1


@pytest.mark.usefixtures("small", "folders")
def test_a_run_goes_on_from_the_middle_of_an_epoch_to_the_same_bytes(tmp_path: Path) -> None:
    path, checkpoint = write(tmp_path / "t.parquet", columns()), tmp_path / "run.checkpoint"
    whole = backpass.fit(path, "y", stream=True, **PLAIN)

    class Interrupt(Callback):
        def on_epoch(self, record, progress) -> None:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(InterruptedTraining) as stopped:
        backpass.fit(path, "y", stream=True, checkpoint=checkpoint, callbacks=[Interrupt()], **PLAIN)
    assert 0 < stopped.value.model.record.steps < whole.record.steps
    again = backpass.fit(path, "y", stream=True, resume_from=checkpoint, **PLAIN)
    np.testing.assert_array_equal(again.theta, whole.theta)
    assert again.record.history == whole.record.history


@pytest.mark.usefixtures("small", "folders")
def test_shards_take_every_row_once_and_train_as_well(tmp_path: Path) -> None:
    """Each shard is a part of a sorted file, without target in some rows, so that shards have different lengths."""
    data = columns()
    order = np.argsort(data["y"])
    data = {name: values[order] for name, values in data.items()}
    data["y"][N - 300 :: 2] = np.nan
    path = write(tmp_path / "t.parquet", data)
    whole, sharded = (backpass.fit(path, "y", stream=True, shards=shards, **PLAIN) for shards in (1, 4))
    assert sharded.record.rows == whole.record.rows
    assert len(sharded.record.history) == PLAIN["epochs"]
    assert sharded.record.scores["test"]["rmse"] < 1.3 * whole.record.scores["test"]["rmse"] + 0.02


def test_batches_of_shards_hold_every_row_once() -> None:
    shards = ((7, 0, 5), (3, 3, 3))
    feed = Feed(shards, lambda window: (), range(3))
    for window, counts in enumerate(shards):
        rows, bounds = feed.batches(window, 4, seed=1, draw=2)
        np.testing.assert_array_equal(feed.batch_sizes(window, 4), bounds[:, -1])
        ends = np.cumsum([0, *counts])
        for shard in range(3):
            of_shard = [rows[i, bounds[i, shard] : bounds[i, shard + 1]].tolist() for i in range(4)]
            assert sorted(row for some in of_shard for row in some) == list(range(ends[shard], ends[shard + 1]))
            assert max(map(len, of_shard)) - min(map(len, of_shard)) <= 1
        # A process with the last two shards numbers their rows from 0.
        own, _ = Feed(shards, lambda window: (), range(1, 3)).batches(window, 4, seed=1, draw=2)
        for i in range(4):
            last = slice(bounds[i, 1], bounds[i, 3])
            np.testing.assert_array_equal(own[i, last], rows[i, last] - counts[0])


def test_notes_of_parts_merge_as_if_they_were_added_in_order() -> None:
    left_out = [left_out_note("target 'y'", [row], "no value") for row in (3, 8)]
    parts = [["1 row odd", left_out[0]], ["1 row odd", "sorted"], ["3 rows odd"], ["2 rows odd", left_out[1]]]
    whole = MergedNotes()
    for part in parts:
        whole.add(part)
    for cut in range(1, 4):
        first, second = MergedNotes(), MergedNotes()
        for merged, some in ((first, parts[:cut]), (second, parts[cut:])):
            for part in some:
                merged.add(part)
        first.merge(second)
        assert first.notes == whole.notes


def test_first_rows_of_parts_merge_as_if_they_were_added_in_order() -> None:
    parts = [[("a", 0, 1), ("b", 1, 1)], [("c", 5, 2), ("a", 6, 1)], [("d", 9, 1), ("c", 11, 1)]]
    whole, merged = FirstRows.of(["y"]), FirstRows.of(["y"])
    for part in parts:
        whole.add("y", part)
        later = FirstRows.of(["y"])
        later.add("y", part)
        merged.merge(later)
    assert (merged.rows, merged.recurring) == (whole.rows, whole.recurring)


def test_the_first_row_of_each_value_is_found_and_zeros_are_one_value() -> None:
    column = pa.chunked_array([["a", None, "b"], ["a", "c"]])
    assert [*parquet._places(column, 7)] == [("a", 7, 2), ("b", 9, 1), ("c", 11, 1)]
    zeros = [*parquet._places(pa.chunked_array([[1.0, float("nan"), -0.0, 0.0]]), 0)]
    firsts = FirstRows.of(["y"])
    assert firsts.add("y", zeros) == [0, 2]
    assert firsts.recurring == {"y": frozenset({3})}


@pytest.mark.usefixtures("small", "folders")
def test_steps_done_in_a_window_are_not_done_again(tmp_path: Path) -> None:
    """A run that ends in the middle of a window and goes on has the bits of the whole run."""
    path = write(tmp_path / "t.parquet", columns())
    told = []

    def problem(settings):
        return streamed_problem(path, "y", Settings.of(settings), {}, told.append)

    class Stop(Callback):
        def __init__(self, last: int) -> None:
            self.last, self.request = last, StopRequest()

        def on_update(self, record) -> None:
            if record.step == self.last:
                self.request.signal = signal.SIGINT

    with problem(PLAIN) as whole:
        expected = whole.train()
        for steps in (1, 20, 41):
            stop = Stop(steps)
            before = whole.train(callbacks=[stop], stop=stop.request)
            assert (before.reason, before.progress.step) == ("interrupted", steps)
            after = whole.train(progress=before.progress.copy())
            np.testing.assert_array_equal(after.theta, expected.theta)
            assert after.progress.history == expected.progress.history
    assert any("are kept in" in text for text in told)


@pytest.mark.usefixtures("small", "folders")
def test_one_window_is_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, feed, held = write(tmp_path / "t.parquet", columns()), stored.Stored.feed, list[weakref.ref]()

    def watched(self: stored.Stored, *args: object) -> Feed:
        whole = feed(self, *args)

        def load(number: int) -> list[np.ndarray]:
            assert not [each for each in held if each() is not None]
            found = whole.load(number)
            held.extend(weakref.ref(each) for each in found)
            return found

        return replace(whole, load=load)

    monkeypatch.setattr(stored.Stored, "feed", watched)
    with streamed_problem(path, "y", Settings.of(PLAIN), {}, lambda text: None) as problem:
        assert problem.train().reason == "finished"
    assert len(held) > 20


COLUMNS = {
    "marks": (np.tile([0.0, 1.0, np.nan], 100), "int8"),
    "cents": (np.arange(300) / 100, "int16"),
    "seconds": (1.7e9 + np.arange(300.0), "int32"),
    "single": (np.float32(np.linspace(0, 1, 300)).astype(float), "float32"),
    "double": (np.linspace(0, 1, 300), "float64"),
    "negative zeros": (np.full(300, -0.0), "float32"),
    "huge": (np.array([1e300, 0.0, -1e300]), "float64"),
    "missing": (np.full(300, np.nan), "int8"),
}


@pytest.mark.parametrize(("values", "dtype"), COLUMNS.values(), ids=COLUMNS)
def test_numbers_take_the_fewest_bytes_that_hold_them(values: np.ndarray, dtype: str) -> None:
    form = Form.of(values)
    packed = form.packed(values)
    assert packed.dtype == dtype
    assert not differing(form.numbers(packed), values).any()


def _packing(numbers: np.ndarray, width: int, levels: tuple[int, ...] = ()) -> Packing:
    """A packing for network inputs of so many float32, the columns once more and their codes."""

    def phi(numbers: np.ndarray, codes: np.ndarray, out: np.ndarray) -> None:
        out[:, : numbers.shape[1]], out[:, numbers.shape[1] :] = numbers, codes[:, :1]

    return Packing.of(phi, np.zeros((1, width), np.float32), numbers, levels)


def test_packed_rows_are_those_given_whatever_the_sample_was() -> None:
    """Numbers that no row of the sample is like are kept beside the records."""
    sampled = np.column_stack([np.arange(9.0), np.linspace(0, 1, 10, dtype=np.float32)[:9], np.zeros(9)])
    packing = _packing(sampled, 5, (3, 200))
    assert {name: dtype for name, dtype, _ in packing.fields} == {
        "float32_0": "float32",
        "int8_0": "int8",
        "codes": "uint8",
    }
    numbers = np.tile(sampled, (2, 1))
    numbers[[0, 3, 17], [0, 1, 2]] = [0.1, 1e-300, -0.0]
    numbers[5] = np.nan
    codes = np.arange(36, dtype=np.int32).reshape(18, 2)
    records = np.empty(18, np.dtype([*packing.fields]))
    exceptions = packing.fill(records, numbers, codes)
    assert [*zip(exceptions.rows, exceptions.columns, strict=True)] == [(0, 0), (3, 1), (17, 2)]
    for first, last in ((0, 18), (2, 9), (9, 18)):
        chosen, found = np.arange(first, last) % 2 == 0, np.zeros((18, 5), np.float64)[first:last]
        packing.read(records[first:last], exceptions.between(first, last), chosen, found[: chosen.sum()])
        expected = np.column_stack([numbers, codes[:, 0]])[first:last][chosen]
        assert not differing(np.ascontiguousarray(found[: chosen.sum(), :4]), expected).any()


def test_inputs_are_stored_themselves_where_they_are_smaller() -> None:
    numbers = np.linspace(0, 1, 40).reshape(20, 2)
    assert [name for name, _, _ in _packing(numbers, 3, (2,)).fields] == ["x"]
    assert [name for name, _, _ in _packing(numbers, 5, (2,)).fields] == ["float64_0", "codes"]


@pytest.mark.usefixtures("small", "folders")
def test_single_precision_columns_and_their_ranks_take_their_own_size_on_disk(tmp_path: Path) -> None:
    data = {name: np.random.default_rng(j).normal(size=N).astype(np.float32) for j, name in enumerate("abcdy")}
    path, settings = write(tmp_path / "t.parquet", data), Settings.of({"preset": "fast"})
    with streamed_problem(path, "y", settings, {}, lambda told: None) as problem:
        assert problem.stored is not None
        size = sum(each.stat().st_size for each in problem.stored.folder.iterdir())
        assert size == 4 * 5 * problem.stored.count
        assert problem.parts["train"].x.shape[1] == 8


@pytest.mark.usefixtures("small")
def test_what_cannot_be_streamed_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", columns())
    for name, settings in {
        "refit": {"refit": True},
        "candidates": {"candidates": 4, "preset": "default"},
        "neighbors": {"neighbors": 100, "preset": "default"},
        "sampling='full'": {"sampling": "full"},
        "sampling='uniform' with shards": {"sampling": "uniform", "shards": 2},
    }.items():
        with pytest.raises(UsageError, match=f"a streamed fit cannot use {name}"):
            backpass.fit(path, "y", stream=True, **settings)
    with pytest.raises(UsageError, match="a streamed fit cannot use validation"):
        backpass.fit(path, "y", stream=True, validation=path)
    with pytest.raises(UsageError, match=r"a streamed fit cannot use reading=\{'query': \.\.\.\}") as refused:
        backpass.fit(path, "y", stream=True, reading={"query": "SELECT * FROM data"})
    assert "leave out reading={'query': ...}, or stream=True" in str(refused.value)
    with pytest.raises(UsageError, match="a streamed fit reads files"):
        backpass.fit(columns(), "y", stream=True)


@pytest.mark.usefixtures("small")
def test_bad_files_say_where_and_leave_nothing(tmp_path: Path, folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "t.parquet", columns())
    rows = tmp_path / "t.json"
    rows.write_text('[{"x": 1, "y": 2}]')
    with pytest.raises(UsageError, match="reads Parquet files, and CSV and other text"):
        backpass.fit(rows, "y", stream=True)
    write(tmp_path / "u.parquet", {name: values[:9] for name, values in columns().items() if name != "z"})
    with pytest.raises(DataError, match="different columns") as different:
        backpass.fit(tmp_path / "[tu].parquet", "y", stream=True)
    assert "lacks 'z'" in str(different.value.details)
    group = pq.ParquetFile(path).metadata.row_group(4).column(0)
    damaged = bytearray(path.read_bytes())
    begin = group.dictionary_page_offset or group.data_page_offset
    damaged[begin : begin + 200] = b"\xff" * 200
    (tmp_path / "d.parquet").write_bytes(damaged)
    with pytest.raises(DataError, match="row group 5 of 8 is damaged"):
        backpass.fit(tmp_path / "d.parquet", "y", stream=True)
    monkeypatch.setattr(stored.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 1_000}))
    with pytest.raises(ResourceError, match="which has 1 kB free"):
        backpass.fit(path, "y", stream=True, **PLAIN)
    assert not [*folders.iterdir()]


def test_the_sample_depends_on_row_numbers_alone(tmp_path: Path) -> None:
    data = columns()
    one = ParquetSource.of(write(tmp_path / "a.parquet", data), {}).sample(["y"], seed=3)
    other = ParquetSource.of(write(tmp_path / "b.parquet", data, group=77), {}).sample(["y"], seed=3)
    np.testing.assert_array_equal(one.table.row_numbers, other.table.row_numbers)
    share = drawn(np.arange(100_000), 3, 0.25).mean()
    assert abs(share - 0.25) < 0.01
    assert not np.array_equal(drawn(np.arange(1_000), 3, 0.25), drawn(np.arange(1_000), 4, 0.25))


@pytest.mark.usefixtures("small", "folders")
def test_files_may_have_their_columns_in_another_order(tmp_path: Path) -> None:
    whole = pa.table(columns())
    later = whole.slice(1_500).select(["y", "town", "z", "x"])
    later = later.cast(pa.schema([field.with_nullable(False) for field in later.schema]))
    thetas = []
    for folder, second in (("alike", whole.slice(1_500)), ("other", later)):
        (tmp_path / folder).mkdir()
        pq.write_table(whole.slice(0, 1_500), tmp_path / folder / "0.parquet")
        pq.write_table(second, tmp_path / folder / "1.parquet")
        thetas.append(backpass.fit(tmp_path / folder / "*.parquet", "y", stream=True, **PLAIN).theta)
    np.testing.assert_array_equal(*thetas)


@pytest.mark.usefixtures("small", "folders")
def test_integers_that_are_no_classes_give_the_same_bits_for_any_row_groups(tmp_path: Path) -> None:
    data = columns()
    data["y"] = np.argsort(np.argsort(data["y"]))
    thetas = [
        backpass.fit(write(tmp_path / f"{group}.parquet", data, group), "y", stream=True, **PLAIN).theta
        for group in (100, N)
    ]
    np.testing.assert_array_equal(*thetas)


@pytest.mark.usefixtures("small", "folders")
@pytest.mark.parametrize("form", ["dictionary", "view", "float"])
def test_every_class_is_in_the_sample_whatever_its_type(tmp_path: Path, form: str) -> None:
    data = columns()
    codes = np.where(data["y"] > 0.5, 1, 0)
    codes[[2_997, 2_998]] = 2
    texts = pa.array(np.array(["no", "yes", "rare"])[codes])
    forms = {"dictionary": texts.dictionary_encode, "view": lambda: texts.cast(pa.string_view())}
    kind = forms.get(form, lambda: pa.array(np.where(np.arange(N) == 3, np.nan, codes)))
    path = write(tmp_path / "t.parquet", data | {"y": kind()})
    model = backpass.fit(path, "y", stream=True, task="classification", **PLAIN)
    assert len(model.head.classes) == 3


@pytest.mark.usefixtures("small", "folders")
def test_errors_name_the_file_and_its_rows_and_unused_columns_do_not_matter(tmp_path: Path) -> None:
    data = columns()
    z = data["z"].copy()
    z[2_900] = np.inf
    path = write(tmp_path / "inf.parquet", data | {"z": z})
    for seed in (0, 1, 2, 3, 5, 8):  # the row is in the sample or outside it
        with pytest.raises(DataError, match=r"inf.parquet: inf, .* column 'z' row 2901"):
            backpass.fit(path, "y", stream=True, **PLAIN | {"seed": seed})
    texts = np.array([f"{each:.3f}" for each in data["z"]], dtype=object)
    path = write(tmp_path / "text.parquet", data | {"z": texts})
    sampled = ParquetSource.of(path, {}).sample(["y"], PLAIN["seed"]).table.row_numbers
    outside = int(np.setdiff1d(np.arange(2_000, N), sampled - 1)[0])
    texts[outside] = "oops"
    write(path, data | {"z": texts})
    with pytest.raises(DataError, match=rf"text.parquet: column 'z'.*'oops' row {outside + 1}\b"):
        backpass.fit(path, "y", stream=True, **PLAIN)
    assert backpass.fit(path, "y", stream=True, drop=["z"], **PLAIN).record.rows["train"] > 0


@pytest.mark.usefixtures("small", "folders")
def test_a_piece_whose_rows_all_have_weight_0_is_left_out(tmp_path: Path) -> None:
    weights = np.where(np.arange(N) < 1_500, 0.0, 1.0)
    path = write(tmp_path / "t.parquet", columns() | {"w": weights})
    model = backpass.fit(path, "y", weight="w", stream=True, **PLAIN)
    assert sum(model.record.rows.values()) == 1_500


class Notes(Callback):
    """Keeps what a fit says."""

    def __init__(self) -> None:
        self.texts = list[str]()

    def on_note(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def long(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small samples, and pieces and windows of many rows."""
    monkeypatch.setattr(parquet, "PIECE", 10_000)
    monkeypatch.setattr(stored, "WINDOW", 2**24)


def wide(n: int = 100_000, count: int = 60) -> dict:
    """A table that takes 98 MB or more to read."""
    x = np.random.default_rng(0).normal(size=(n, count))
    return {**{f"x{j}": x[:, j] for j in range(count)}, "y": x[:, 0] + x[:, 1]}


@pytest.mark.usefixtures("long")
def test_a_table_that_does_not_fit_is_streamed_and_that_is_said_once(tmp_path: Path, folders: Path) -> None:
    path, settings = write(tmp_path / "t.parquet", wide(), 10_000), PLAIN | {"epochs": 1}
    notes = Notes()
    model = backpass.fit(path, "y", memory="90MB", callbacks=[notes], **settings)
    assert sum(model.record.rows.values()) == 100_000
    assert any("a random sample of" in note for note in model.record.notes)
    said = [text for text in notes.texts if "that memory allows" in text or "that --memory allows" in text]
    assert len(said) == 1
    assert said[0].startswith(f"{path} (100,000 rows x 61 columns) needs about 98 MB of memory, ")
    assert said[0].endswith("of the 90 MB that --memory allows: the fit is streamed")
    np.testing.assert_array_equal(model.theta, backpass.fit(path, "y", stream=True, **settings).theta)
    assert not [*folders.iterdir()]


@pytest.mark.usefixtures("long")
def test_a_table_that_cannot_be_streamed_is_refused_as_before(tmp_path: Path, folders: Path) -> None:
    path = write(tmp_path / "t.parquet", wide(), 10_000)
    with pytest.raises(InsufficientMemoryError, match="that memory allows") as error:
        backpass.fit(path, "y", memory="90MB", stream=False)
    assert "cannot be streamed" not in error.value.hint
    with pytest.raises(InsufficientMemoryError, match="that memory allows") as error:
        backpass.fit(path, "y", memory="90MB", refit=True)
    assert error.value.hint.endswith("the fit cannot be streamed: a streamed fit cannot use --refit")
    with pytest.raises(UsageError, match="memory must be an amount of memory such as 4GB"):
        backpass.fit(path, "y", memory="much")
    with pytest.raises(UsageError, match="stream must be True, False or 'auto'; got 'yes'"):
        backpass.fit(path, "y", stream="yes")
    assert not [*folders.iterdir()]


@pytest.mark.parametrize("error", [InsufficientMemoryError, MemoryError])
def test_what_was_read_is_released_before_a_stream_begins(error: type[Exception]) -> None:
    held, reasons = list[weakref.ref](), list[str]()

    def resident() -> str:
        table = np.ones(3)
        held.append(weakref.ref(table))
        raise error("too large")

    def streamed(reason: str) -> nullcontext:
        assert held[0]() is None
        reasons.append(reason)
        return nullcontext("streamed")

    with ExitStack() as stack:
        assert resident_or_streamed(stack, "auto", resident, streamed, lambda: None) == "streamed"
        with pytest.raises(error):
            resident_or_streamed(stack, False, resident, streamed, lambda: None)

        class Another(Solo):
            def share(self, value: object) -> list:
                return [value, ("another process lacks memory", "")]

        # A process with enough memory streams with the others.
        asked = resident_or_streamed(stack, "auto", lambda: "resident", streamed, lambda: None, Another())
        assert asked == "streamed"
        assert reasons.pop() == "another process lacks memory: the fit is streamed"
    assert len(reasons) == 1
    assert reasons[0].endswith(": the fit is streamed")


def write_text(path: Path, data: dict, *, sign: str = ",", decimal: str = ".") -> Path:
    names = [*data]
    rows = zip(*([("" if v is None else str(v)) for v in values] for values in data.values()), strict=True)
    lines = [[each.replace(".", decimal) if "." in each else each for each in row] for row in rows]
    written = "\n".join([sign.join(names), *(sign.join(row) for row in lines)]) + "\n"
    path.write_bytes(gzip.compress(written.encode()) if path.suffix == ".gz" else written.encode())
    return path


@pytest.mark.usefixtures("texts")
def test_text_files_give_the_bits_of_the_parquet_file(tmp_path: Path, folders: Path) -> None:
    data = columns()
    data["y"] = np.where(np.arange(N) % 50 == 7, np.nan, data["y"])
    expected = backpass.fit(write(tmp_path / "t.parquet", data), "y", stream=True, **PLAIN)
    data["y"] = [None if value != value else value for value in data["y"]]
    paths = {
        "csv": write_text(tmp_path / "t.csv", data),
        "semicolons": write_text(tmp_path / "s.csv", data, sign=";", decimal=","),
        "compressed": write_text(tmp_path / "t.csv.gz", data),
    }
    for i in range(3):
        part = {name: values[i * 1000 : (i + 1) * 1000] for name, values in data.items()}
        write_text(tmp_path / f"part-{i}.csv", part)
    paths["files"] = tmp_path / "part-*.csv"
    for name, path in paths.items():
        model = backpass.fit(path, "y", stream=True, **PLAIN)
        np.testing.assert_array_equal(model.theta, expected.theta, err_msg=name)
        assert sum(model.record.rows.values()) == N - 60
    assert not [*folders.iterdir()]


@pytest.mark.usefixtures("texts", "folders")
def test_a_text_column_that_begins_with_numbers_is_read_again(tmp_path: Path) -> None:
    data = columns()
    codes = [str(i % 7) if i < N // 2 else "abcdefg"[i % 7] for i in range(N)]
    data |= {"code": codes, "late": [f"{i % 90 + 0.5}" for i in range(N - 1)] + ["none"]}
    path = write_text(tmp_path / "t.csv", data)
    model = backpass.fit(path, "y", stream=True, reading={"missing": ["none"]}, **PLAIN)
    kinds = {feature.name: feature.kind for feature in model.schema.features}
    assert kinds["code"] == "categorical"
    assert kinds["late"] == "numeric"


@pytest.mark.usefixtures("folders")
def test_a_short_text_file_is_the_fit_in_memory(tmp_path: Path) -> None:
    path = write_text(tmp_path / "t.csv", columns(400))
    path.write_text(path.read_text() + "Total,,,\n")
    streamed, resident = (backpass.fit(path, "y", stream=each, **PLAIN) for each in (True, False))
    np.testing.assert_array_equal(streamed.theta, resident.theta)
    assert streamed.record.notes == resident.record.notes


@pytest.mark.usefixtures("texts", "folders")
def test_what_later_rows_show_is_said(tmp_path: Path) -> None:
    data = columns()
    data["y"] = [None if i == 2_999 else value for i, value in enumerate(data["y"])]
    path = write_text(tmp_path / "t.csv", data)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2_950], "x,z,town,y", *lines[2_950:]]) + "\n")
    with streamed_problem(path, "y", Settings.of(PLAIN), {}, lambda told: None) as problem:
        assert sum(problem.counts.values()) == N - 1
    assert any("row 2950: a repeated header" in note for note in problem.of_source)
    assert any("'y'" in note and "1" in note for note in {*problem.notes} - {*problem.of_source})


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize("ending", ["Ctrl-C", "error", "disk"])
def test_folders_are_removed_whatever_ends_a_fit(tmp_path: Path, folders: Path, ending: str) -> None:
    data = columns()
    if ending == "error":
        data["z"] = [*data["z"][:-1], "oops"]
    path = write_text(tmp_path / "t.csv", data)
    told = Notes()

    class Interrupt(Callback):
        def on_epoch(self, record, progress) -> None:
            if ending == "Ctrl-C":
                signal.raise_signal(signal.SIGINT)

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if ending == "disk":
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))  # writing to a full disk fails in the same place
    wanted = {"Ctrl-C": InterruptedTraining, "error": DataError, "disk": ResourceError}[ending]
    try:
        with pytest.raises(wanted) as error:
            backpass.fit(path, "y", stream=True, callbacks=[told, Interrupt()], reading={"missing": ["oops?"]}, **PLAIN)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    if ending == "disk":
        assert "the encoded training rows cannot be written to" in error.value.message
        assert "TMPDIR" in error.value.hint
    assert any(str(folders) in text for text in told.texts) or ending == "error"
    assert not [*folders.iterdir()]


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize("size", [None, 7, 20])
def test_stored_rows_that_are_gone_are_named_in_place_of_the_file(
    tmp_path: Path, folders: Path, size: int | None
) -> None:
    """A folder that another program removed, or files that it cut off."""
    path = write_text(tmp_path / "t.csv", columns())

    class Tamper(Callback):
        def on_epoch(self, record, progress) -> None:
            for each in [*folders.glob("backpass-*/*.0")]:
                each.unlink() if size is None else os.truncate(each, size)

    with pytest.raises(ResourceError, match=r"the encoded training rows in .* cannot be read") as error:
        backpass.fit(path, "y", stream=True, callbacks=[Tamper()], **PLAIN)
    assert "t.csv" not in error.value.message
    assert "leave this folder alone" in error.value.hint
    assert not [*folders.iterdir()]


@pytest.mark.usefixtures("texts", "folders")
@pytest.mark.parametrize("rows", [300, 3_000])
def test_a_system_error_of_a_callback_is_not_one_of_the_file(tmp_path: Path, rows: int) -> None:
    path = write_text(tmp_path / "t.csv", columns(rows))

    class Unreachable(Callback):
        def on_epoch(self, record, progress) -> None:
            raise ConnectionRefusedError("no server")

    with pytest.raises(ConnectionRefusedError, match="no server"):
        backpass.fit(path, "y", stream=True, callbacks=[Unreachable()], **PLAIN)


@pytest.mark.usefixtures("long", "folders")
def test_a_text_file_that_does_not_fit_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "ROWS", 2_000)
    monkeypatch.setattr(text, "ROWS", 2_000)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, size=(50_000, 100))
    written = "\n".join(",".join(map(str, row)) for row in x.tolist())
    path = tmp_path / "t.csv"
    path.write_text(",".join(f"x{j}" for j in range(100)) + "\n" + written + "\n")
    notes = Notes()
    backpass.fit(path, "x0", task="regression", memory="39MB", callbacks=[notes], **PLAIN | {"epochs": 1})
    assert any("needs about" in each and each.endswith("allows: the fit is streamed") for each in notes.texts)


def uses_of(path: Path, settings: dict, targets: np.ndarray) -> dict[str, np.ndarray]:
    """The targets of the rows that are held out, and of the stored rows that train each member."""
    with streamed_problem(path, "y", Settings.of(settings), {}, lambda told: None) as problem:
        assert problem.stored is not None
        assert problem.source is not None
        found = {name: rows.truth for name, rows in problem.source.rows.items()}
        known = np.unique(targets)
        for number, member in enumerate(members_of(problem)):
            view = member.problem.stored
            assert view is not None
            feed = view.feed(member.problem.parts["train"], None)
            y = np.concatenate([feed.load(window)[1][:, 0] for window in range(len(feed.rows))])
            found[f"stored {number}"] = known[np.searchsorted(problem.head.encode(known, problem.dtype)[:, 0], y)]
            assert len(found[f"stored {number}"]) == view.count
            found[f"held {number}"] = member.problem.parts.get("validation", problem.parts["train"]).truth
        assert any("that are held out: not used" in note for note in problem.notes)
    return found


SPLITS = {"one": PLAIN, "folds": {"preset": "default", "max_steps": 20, "seed": 5, "ensemble_size": 3}}


@pytest.mark.usefixtures("small", "folders")
@pytest.mark.parametrize("settings", SPLITS.values(), ids=SPLITS)
@pytest.mark.parametrize("form", ["text", "number", "date"])
def test_no_group_trains_and_is_held_out(tmp_path: Path, settings: dict, form: str) -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, N)
    names = {"text": np.array([f"g{each}" for each in groups]), "number": groups, "date": groups.astype("M8[D]")}
    data = {"x": rng.normal(size=N), "g": names[form], "y": groups + 0.5}
    path = write(tmp_path / "t.parquet", data)
    found = uses_of(path, settings | {"group": "g", "test_fraction": 0.2}, data["y"])
    for number in range(settings.get("ensemble_size", 1)):
        assert not {*found[f"stored {number}"]} & {*found["test"]}
        assert not {*found[f"stored {number}"]} & {*found[f"held {number}"]}
        assert len({*found[f"stored {number}"]}) > 20
    model = backpass.fit(path, "y", group="g", stream=True, test_fraction=0.2, **settings)
    assert "rmse" in model.record.scores["test"]


@pytest.mark.usefixtures("small", "folders")
@pytest.mark.parametrize("settings", SPLITS.values(), ids=SPLITS)
@pytest.mark.parametrize("is_date", [False, True])
def test_no_later_row_trains(tmp_path: Path, settings: dict, is_date: bool) -> None:
    rng = np.random.default_rng(0)
    times = rng.integers(0, 900, N)
    data = {"x": rng.normal(size=N), "t": times.astype("M8[D]") if is_date else times, "y": times + 0.5}
    path = write(tmp_path / "t.parquet", data)
    found = uses_of(path, settings | {"time": "t", "test_fraction": 0.2}, data["y"])
    for number in range(settings.get("ensemble_size", 1)):
        held, stored_rows = found[f"held {number}"], found[f"stored {number}"]
        assert stored_rows.max() < found["test"].min()
        assert not ((stored_rows >= held.min()) & (stored_rows <= held.max())).any()
        assert len(stored_rows) > N / 4


@pytest.mark.usefixtures("texts", "folders")
def test_a_row_without_a_group_or_a_time_trains(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    groups, times = rng.integers(0, 60, N), rng.integers(0, 900, N)
    blank = np.arange(N) % 10 == 3
    data = {
        "x": rng.normal(size=N).tolist(),
        "g": [None if gap else f"g{each}" for gap, each in zip(blank, groups, strict=True)],
        "t": [None if gap else each for gap, each in zip(blank, times, strict=True)],
        "y": np.where(blank, -1.0, groups + 0.5).tolist(),
    }
    path = write_text(tmp_path / "t.csv", data)
    for settings in ({"group": "g"}, {"time": "t"}, {"group": "g", "time": "t"}):
        found = uses_of(path, PLAIN | settings | {"test_fraction": 0.2}, np.array(data["y"]))
        assert (found["stored 0"] == -1.0).sum() > 0.7 * blank.sum()
        if "group" in settings:
            assert not {*found["stored 0"]} - {-1.0} & {*found["test"]}


def test_a_format_that_is_not_streamed_is_refused_for_memory(tmp_path: Path) -> None:
    path, notes = tmp_path / "t.jsonl", Notes()
    path.write_text('{"x": 1, "y": 2}\n' * 1_000_000)
    with pytest.raises(InsufficientMemoryError, match="that memory allows") as error:
        backpass.fit(path, "y", memory="40MB", callbacks=[notes])
    assert "the fit cannot be streamed: a streamed fit reads Parquet files, and CSV" in error.value.hint
    assert not notes.texts


def _stored_as(form: str, path: Path, data: dict) -> Path:
    if form == "parquet":
        return write(path / "t.parquet", data)
    csv.write_csv(pa.table(data), path / "t.csv")
    return path / "t.csv"


@pytest.mark.usefixtures("texts", "folders")
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_rare_class_of_the_file_is_not_taken_for_a_class_of_one_row(tmp_path: Path, form: str) -> None:
    """The sample has the first row of a class; the error is for classes that the whole file has in a single row."""
    codes = np.where(columns()["y"] > 0.5, 1, 0)
    codes[[1_400, 2_998]] = 2
    data = columns() | {"y": np.array(["no", "yes", "rare"], dtype=object)[codes]}
    path = _stored_as(form, tmp_path, data)
    model = backpass.fit(path, "y", stream=True, **PLAIN)
    assert model.head.classes == ("no", "rare", "yes")
    data["y"][2_998] = "yes"
    with pytest.raises(DataError, match="3 classes, 1 of them in a single row, such as 'rare'"):
        backpass.fit(_stored_as(form, tmp_path, data), "y", stream=True, **PLAIN)


@pytest.mark.usefixtures("texts", "folders")
@pytest.mark.parametrize("column", ["x", "y"])
def test_a_bound_outside_the_sample_counts_as_its_number(tmp_path: Path, column: str) -> None:
    data = columns()
    values = np.array([f"{each:.3f}" for each in data[column]], dtype=object)
    path = _stored_as("csv", tmp_path, data | {column: values})
    plain = backpass.fit(path, "y", stream=True, **PLAIN)
    with opened(path, ReadSettings.of().opening) as file:
        sampled = TextSource([file], path, {}).sample(["y"], PLAIN["seed"]).table.row_numbers
    row = int(np.setdiff1d(np.arange(2_000, N), sampled - 1)[0])
    values[row] = f"<{values[row]}"
    model = backpass.fit(_stored_as("csv", tmp_path, data | {column: values}), "y", stream=True, **PLAIN)
    np.testing.assert_array_equal(model.theta, plain.theta)
    if column == "x":
        assert any("1 bound such as <30 count" in note for note in model.record.notes)
        new = {"x": ["<0.5"], "z": [0.0], "town": ["Ulm"]}
        np.testing.assert_array_equal(model.predict(new), model.predict(new | {"x": [0.5]}))
