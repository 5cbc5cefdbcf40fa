"""The container: what goes in comes out, one content has one form, and nothing else is accepted."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import lzma
import os
import pickle
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from backpass.errors import ModelFileError, UsageError
from backpass.model.file import container, header
from backpass.model.file.arrays import DTYPES
from backpass.model.file.container import DIGITS, FORMAT, pack, unpack

FACTS: dict[str, Any] = {
    "target": "price",
    "columns": ["rooms", "caf\u00e9"],
    "seed": 2**64 - 1,
    "mean": -0.0,
    "note": None,
}
ARRAYS = {"theta": np.array([0.5, -1.25]), "codes": np.array([[1, 2, 3]], dtype=np.int32)}
SMALL = pack("model", FACTS, ARRAYS)


def refused(data: bytes, kind: str = "model") -> ModelFileError:
    with pytest.raises(ModelFileError) as caught:
        unpack(data, kind, "m.backpass")
    assert caught.value.exit_code == 4
    assert caught.value.hint
    return caught.value


def framed(header: bytes, payload: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + payload


def sealed(data: bytes) -> bytes:
    """The file with the digest that it should have: what somebody makes who wants it to be read."""
    with_zeros = data[: DIGITS.start] + b"0" * 64 + data[DIGITS.stop :]
    digest = hashlib.sha256(with_zeros).hexdigest().encode()
    return data[: DIGITS.start] + digest + data[DIGITS.stop :]


def padded(text: bytes) -> bytes:
    return text + b" " * (-len(text) % 8)


def forged(change: Callable[[dict[str, Any]], object], payload: bytes | None = None) -> bytes:
    """SMALL with another header, laid out, padded and sealed as ours are."""
    end = 8 + int.from_bytes(SMALL[:8], "little")
    header = json.loads(SMALL[8:end])
    change(header)
    text = json.dumps(header, separators=(",", ":")).encode()
    return sealed(framed(padded(text), SMALL[end:] if payload is None else payload))


def with_metadata(format: str = "2", kind: str = "model", facts: str = "{}", **more: str) -> bytes:
    """A sealed file of no arrays."""
    metadata = {"backpass": format, "sha256": "0" * 64, "kind": kind, "facts": facts, **more}
    return sealed(framed(padded(json.dumps({"__metadata__": metadata}, separators=(",", ":")).encode())))


def with_array(entry: str) -> bytes:
    """A sealed file whose header has this text where an array is described."""
    end = 8 + int.from_bytes(SMALL[:8], "little")
    text = SMALL[8:end].rstrip().removesuffix(b"}") + b"," + entry.encode("utf-8", "surrogateescape") + b"}"
    return sealed(framed(padded(text), SMALL[end:]))


# What goes in comes out


def test_round_trip() -> None:
    facts, arrays = unpack(SMALL, "model", "m.backpass")
    assert facts == FACTS
    assert str(facts["mean"]) == "-0.0"
    assert list(arrays) == ["codes", "theta"]
    for name, array in arrays.items():
        assert array.dtype == ARRAYS[name].dtype
        assert array.flags.writeable
        assert array.flags.c_contiguous
        assert array.flags.owndata
        np.testing.assert_array_equal(array, ARRAYS[name])


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)], ids=str)
def test_every_dtype_and_shape(dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    back = unpack(pack("model", {}, {"a": array}), "model", "m")[1]["a"]
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)


def test_any_memory_order_gives_the_same_bytes() -> None:
    plain = np.arange(6.0).reshape(2, 3)
    for other in (np.asfortranarray(plain), plain.astype(">f8"), np.repeat(plain, 2, axis=1)[:, ::2]):
        assert pack("model", {}, {"a": other}) == pack("model", {}, {"a": plain})


def test_inputs_are_not_changed() -> None:
    array = np.arange(3, dtype=">i4")
    pack("model", {}, {"a": array})
    assert array.dtype == ">i4"
    assert array.tolist() == [0, 1, 2]


def test_any_order_of_keys_gives_the_same_bytes() -> None:
    assert pack("model", dict(reversed(FACTS.items())), dict(reversed(ARRAYS.items()))) == SMALL


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60)
@given(
    facts=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), JSON_VALUES, max_size=4),
    array=st_numpy.arrays(np.float32, st_numpy.array_shapes(max_dims=3, max_side=3)),
)
def test_anything_comes_back_bit_for_bit(facts: dict[str, Any], array: np.ndarray[Any, Any]) -> None:
    data = pack("checkpoint", facts, {"a": array})
    facts_back, arrays_back = unpack(data, "checkpoint", "c")
    assert json.dumps(facts_back, sort_keys=True) == json.dumps(facts, sort_keys=True)
    assert arrays_back["a"].tobytes() == array.tobytes()
    assert pack("checkpoint", facts_back, arrays_back) == data


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    refused(data)
    refused(framed(b'{"' + data + b'":1}'))


# One content, one form


def test_the_bytes_are_pinned() -> None:
    assert hashlib.sha256(SMALL).hexdigest() == "b893fd0c7380274cd9d9049352787c2506f7b2e6bff53ce619dc04495379ae3c"
    assert FORMAT == 3


def test_two_processes_with_other_hash_seeds_give_equal_bytes() -> None:
    program = (
        "import sys; import numpy as np; from backpass.model.file.container import pack\n"
        "names = set('abcdefgh')\n"
        "facts = {name: list(range(ord(name))) for name in names}\n"
        "sys.stdout.buffer.write(pack('model', facts, {name: np.full(3, ord(name)) for name in names}))"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 1000


def test_any_safetensors_reader_opens_it() -> None:
    from safetensors.numpy import load

    arrays = load(SMALL)
    assert sorted(arrays) == ["codes", "theta"]
    np.testing.assert_array_equal(arrays["theta"], ARRAYS["theta"])


def test_arrays_are_aligned() -> None:
    arrays = {f"a{code}": np.zeros(3, dtype) for code, dtype in DTYPES.items()}
    data = pack("model", {}, arrays)
    end = 8 + int.from_bytes(data[:8], "little")
    assert end % 8 == 0
    header = json.loads(data[8:end])
    for code, dtype in DTYPES.items():
        assert header[f"a{code}"]["data_offsets"][0] % dtype.itemsize == 0


# Every bit counts


def test_every_flipped_bit_is_found() -> None:
    damaged = bytearray(SMALL)
    for position in range(len(SMALL)):
        for bit in range(8):
            damaged[position] ^= 1 << bit
            refused(bytes(damaged))
            damaged[position] ^= 1 << bit
    unpack(bytes(damaged), "model", "m")


def test_a_changed_byte_is_found_before_anything_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checksum comes first: no JSON is read, and no array, of a file that is not as it was written."""
    parsed = []
    monkeypatch.setattr(container, "read_header", lambda *_: parsed.append("header"))
    for position in range(8, len(SMALL)):
        refused(SMALL[:position] + bytes([SMALL[position] ^ 1]) + SMALL[position + 1 :])
    assert parsed == []


def test_the_digest_covers_every_other_byte() -> None:
    """Its own digits read as zeros; they stand in the file as they are."""
    with_zeros = SMALL[: DIGITS.start] + b"0" * 64 + SMALL[DIGITS.stop :]
    assert SMALL[DIGITS].decode() == hashlib.sha256(with_zeros).hexdigest()
    assert (
        json.loads(SMALL[8 : 8 + int.from_bytes(SMALL[:8], "little")])["__metadata__"]["sha256"]
        == SMALL[DIGITS].decode()
    )


def test_every_truncation_is_found() -> None:
    for length in range(len(SMALL)):
        refused(SMALL[:length])


def test_appended_bytes_are_found() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data.pkl", b"x")
    for tail in (b"\0", b" ", SMALL, archive.getvalue()):
        assert "checksum" in refused(SMALL + tail).message
        assert "has bytes after its end" in refused(sealed(SMALL + tail)).message
    assert "is cut short" in refused(sealed(SMALL[:-1])).message


def test_another_padding_order_or_spelling_is_found() -> None:
    end = 8 + int.from_bytes(SMALL[:8], "little")
    header = SMALL[8:end]
    assert "not laid out" in refused(sealed(framed(header + b" " * 8, SMALL[end:]))).message
    assert "not laid out" in refused(forged(lambda h: h.update(theta=h.pop("theta")))).message
    spaced = header.replace(b',"theta"', b', "theta"')
    assert "not laid out" in refused(sealed(framed(padded(spaced.rstrip()), SMALL[end:]))).message
    assert "begins differently" in refused(framed(json.dumps(json.loads(header)).encode(), SMALL[end:])).message


def test_overlapping_gapped_negative_and_far_places_are_found() -> None:
    for places in ([8, 24], [0, 15], [-8, 8], [0, 2**62], [2**64 - 1, 0], [16, 0], [], ["0", "16"], None):
        assert (
            "not laid out" in refused(forged(lambda h, places=places: h["theta"].update(data_offsets=places))).message
        )


def test_a_checksum_of_other_content_is_found() -> None:
    other = pack("model", {**FACTS, "target": "rents"}, ARRAYS)
    swapped = SMALL[: DIGITS.start] + other[DIGITS] + SMALL[DIGITS.stop :]
    assert refused(swapped).message == "m.backpass is damaged: its checksum does not match its content"


# Other kinds of file


def foreign_files() -> dict[str, tuple[bytes, str]]:
    def zipped(name: str) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, b"x")
        return file.getvalue()

    npy = io.BytesIO()
    np.save(npy, np.zeros(2))
    return {
        "empty": (b"", "empty (0 bytes)"),
        **{f"pickle {p}": (pickle.dumps({"a": [1.5, "x"]}, p), "a pickle") for p in range(pickle.HIGHEST_PROTOCOL + 1)},
        "pickle that runs": (b"cos\nsystem\n(S'echo no'\ntR.", "a pickle"),
        "torch": (zipped("archive/data.pkl"), "a PyTorch file"),
        "keras": (zipped("model.weights.h5"), "a Keras model"),
        "npz": (zipped("theta.npy"), "a NumPy .npz"),
        "skops": (zipped("schema.json"), "a zip archive"),
        "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(64), "an HDF5 file"),
        "gzip": (b"\x1f\x8b\x08\x00" + bytes(16), "a gzip archive"),
        "bzip2": (bz2.compress(b"x"), "a bzip2 archive"),
        "xz": (lzma.compress(b"x"), "an xz archive"),
        "lzma": (lzma.compress(b"x", lzma.FORMAT_ALONE), "an lzma archive (joblib?)"),
        "lz4": (b"\x04\x22\x4d\x18\x64\x40" + bytes(9), "an lz4 archive"),
        **{f"zlib {level}": (zlib.compress(b"x" * 99, level), "a zlib stream (joblib?)") for level in (0, 2, 6, 9)},
        "onnx": (b"\x08\x08\x12\x07pytorch\x1a\x03" + b"2.0" + bytes(30), "an ONNX model"),
        "png": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "a PNG picture"),
        "parquet": (b"PAR1" + bytes(30), "a Parquet table"),
        "npy": (npy.getvalue(), "a NumPy array"),
        "csv": (b"rooms,price\n3,4.5\n", "a text file"),
        "utf-8 csv": ("\ufeffcaf\u00e9;prix\n3;4,5\n".encode() * 400, "a text file"),
        "json": (b'{"learner": {"gradient_booster": {}}}', "a text file"),
        "noise": (bytes(range(128, 256)), "something unknown (128 bytes)"),
        "long header": (
            framed(b"{" + b" " * (32 << 20) + b"}"),
            "a safetensors file whose header claims 33554434 bytes",
        ),
    }


@pytest.mark.parametrize("name", foreign_files())
def test_foreign_files_are_refused_by_name(name: str) -> None:
    data, expected = foreign_files()[name]
    error = refused(data)
    assert error.message.startswith("m.backpass is not a Backpass file: it is ")
    assert expected in error.message


def test_the_whole_message() -> None:
    assert str(refused(pickle.dumps([1]))) == (
        "m.backpass is not a Backpass file: it is a pickle (joblib?), which can run code\n\n"
        "hint: pass a model file that `backpass fit` wrote; other formats are never loaded, because some can run code"
    )


def test_nothing_runs_opens_or_is_imported() -> None:
    """An audit hook sees no import, file, socket, process or unpickling while foreign files are refused."""
    program = """
import sys
from backpass.errors import ModelFileError
from backpass.model.file.container import unpack

def refuse(data):
    try:
        unpack(data, "model", "m")
    except ModelFileError:
        return
    raise SystemExit("loaded")

for data in FILES:
    refuse(data)
seen = []
sys.addaudithook(lambda event, arguments: seen.append(event))
for data in FILES:
    refuse(data)
names = ("import", "exec", "compile", "open", "socket", "subprocess", "os.", "pickle", "ctypes", "marshal")
assert not [event for event in seen if event.startswith(names)], seen
"""
    files = [data for data, _ in foreign_files().values() if len(data) < 10_000]
    subprocess.run([sys.executable, "-c", f"FILES = {files!r}\n{program}"], check=True, capture_output=True)


def test_a_safetensors_file_of_others_is_refused() -> None:
    from safetensors.numpy import save

    assert "not one that Backpass wrote" in refused(save({"a": np.zeros(2)})).message
    assert "not one that Backpass wrote" in refused(save({"a": np.zeros(2)}, metadata={"format": "pt"})).message


# Hostile headers


@pytest.mark.parametrize("length", [0, 1, 2, 300, 2**25 + 1, 2**31, 2**62, 2**63, 2**64 - 1])
def test_header_lengths(length: int) -> None:
    data = length.to_bytes(8, "little") + b'{"a":1}'
    tracemalloc.start()
    refused(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_header_that_is_cut_short_says_by_how_much() -> None:
    data = (300).to_bytes(8, "little") + b'{"a":1}    '
    assert "its header should be 300 bytes long, 11 are there" in refused(data).message


@pytest.mark.parametrize("first", [b"[", b"|", b" "])
def test_a_header_begins_as_an_object(first: bytes) -> None:
    """Whatever else is right: what begins differently is a file of others, and is not read on."""
    data = SMALL[:8] + first + SMALL[9:]
    assert "is not a Backpass file" in refused(sealed(data)).message


@pytest.mark.parametrize("byte", [1, 128, 255])
def test_every_byte_of_the_length_counts(byte: int) -> None:
    assert "is not a Backpass file" in refused(sealed(SMALL[:7] + bytes([byte]) + SMALL[8:])).message


@pytest.mark.parametrize("length", range(9))
def test_files_shorter_than_a_header(length: int) -> None:
    refused(b"\x10\0\0\0\0\0\0\0{"[:length])


HOSTILE = {
    "deep list": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep object": b'{"a":' * 33 + b"1" + b"}" * 33,
    "unclosed": b"{" + b"[" * 500_000,
    "twice": b'{"a":1,"a":1}',
    "NaN": b'{"a":NaN}',
    "infinity": b'{"a":-Infinity}',
    "1e999": b'{"a":1e999}',
    "long fraction": b'{"a":0.' + b"1" * 100_000 + b"}",
    "long integer": b'{"a":' + b"9" * 100_000 + b"}",
    "more than 64 bits": b'{"a":18446744073709551616}',
    "half a character": b'{"a":"\\ud800"}',
    "half a character as a key": b'{"\\udfff":1}',
    "raw surrogate": b'{"a":"\xed\xa0\x80"}',
    "not UTF-8": b'{"a":"\xff"}',
    "trailing": b'{"a":1}x',
    "two values": b'{"a":1}{"a":1}',
    "comment": b'{"a":1}//',
    "open string": b'{"a":"' + b'\\"' * 200_000,
    "control character": b'{"a":"\x01"}',
    "nothing": b"{ ",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_as_the_header(name: str) -> None:
    refused(framed(HOSTILE[name]))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_json_in_a_sealed_header(name: str) -> None:
    data = with_array(f'"theta2":{HOSTILE[name].decode("utf-8", "surrogateescape")}')
    error = refused(data)
    assert error.message.startswith(("m.backpass: the header ", "m.backpass has an array 'theta2' of dtype 'None'"))


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in ("raw surrogate", "not UTF-8")])
def test_hostile_json_in_the_facts(name: str) -> None:
    assert refused(with_metadata(facts=HOSTILE[name].decode())).message.startswith(
        ("m.backpass: the ", "m.backpass is damaged")
    )


def test_very_many_arrays() -> None:
    def many(entries: dict[str, Any]) -> None:
        del entries["theta"], entries["codes"]
        entries |= {f"{i:x}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(17_000)}

    data = forged(many, b"")
    assert len(data) <= header.LIMIT
    assert refused(data).message == "m.backpass has 17000 arrays"


@pytest.mark.parametrize(
    "shape", [[2**32, 2**32], [2**63], [-1], [2.0], [True], "2", None, [[2]], [1] * 9, [2**31 + 1, 0]], ids=str
)
def test_shapes(shape: object) -> None:
    refused(forged(lambda h: h["theta"].update(shape=shape)))


@pytest.mark.parametrize("dtype", ["F8_E4M3", "C64", "BF16", "O", "", None, 3, ["F64"]], ids=str)
def test_dtypes(dtype: object) -> None:
    assert "of dtype" in refused(forged(lambda h: h["theta"].update(dtype=dtype))).message


def test_lengths_at_the_edge_are_kept() -> None:
    """A dimension of 2^31 beside one of 0: no byte, and no reason to refuse it."""
    arrays = unpack(pack("model", {}, {"a": np.zeros((2**31, 0), np.uint8)}), "model", "m")[1]
    assert arrays["a"].shape == (2**31, 0)


@pytest.mark.parametrize(("digits", "kept"), [(40, True), (41, False)])
def test_fractions_at_the_edge_of_their_length(digits: int, kept: bool) -> None:
    data = with_metadata(facts='{"a":0.' + "5" * (digits - 2) + "}")
    message = refused(data).message
    assert ("is not laid out as Backpass writes it" in message) == kept  # it has a shorter spelling
    assert ("the number 0.5" in message) != kept


@pytest.mark.parametrize(("depth", "kept"), [(31, True), (32, False)])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_depth_at_the_edge(brackets: tuple[str, str], depth: int, kept: bool) -> None:
    inner = brackets[0] * depth + "1" + brackets[1] * depth
    data = with_metadata(facts='{"a":' + inner + "}")
    if kept:
        unpack(data, "model", "m")
    else:
        assert "nested deeper than 32" in refused(data).message


def test_a_changed_dtype_of_the_same_width_is_found() -> None:
    assert "checksum" in refused(SMALL.replace(b'"F64"', b'"I64"')).message


@pytest.mark.parametrize("name", ["", "\n", "caf\u00e9", "x" * 201, "\x1b[31m"], ids=ascii)
def test_names(name: str) -> None:
    refused(forged(lambda h: h.update({name: h.pop("theta")})))
    with pytest.raises(ModelFileError, match="has an array called"):
        pack("model", {}, {name: np.zeros(1)})


@pytest.mark.parametrize("name", ["W1", "~", "x" * 200])
def test_names_at_the_edge_are_kept(name: str) -> None:
    assert list(unpack(pack("model", {}, {name: np.zeros(1)}), "model", "m")[1]) == [name]


@pytest.mark.parametrize("missing", ["kind", "facts"])
def test_missing_keys_are_refused(missing: str) -> None:
    data = forged(lambda h: h["__metadata__"].pop(missing))
    assert "its metadata should have exactly the keys" in refused(data).message


def test_extra_keys_are_refused() -> None:
    refused(forged(lambda h: h["__metadata__"].update(more="x")))
    refused(forged(lambda h: h["theta"].update(more="x")))
    refused(with_metadata(more="x"))


def test_truth_values_are_0_or_1() -> None:
    """Forged with a right checksum: two where a truth value should be."""
    data = pack("model", {}, {"flag": np.array([True])})
    assert "neither 0 nor 1" in refused(sealed(data[:-1] + b"\x02")).message


# Kind, format, finite numbers


def test_a_checkpoint_is_no_model() -> None:
    error = refused(pack("checkpoint", {}, {}))
    assert error.message == "m.backpass is a checkpoint; expected a model"
    assert "resuming" in error.hint
    assert refused(SMALL, "checkpoint").message == "m.backpass is a model; expected a checkpoint"
    assert refused(with_metadata(kind="table")).message == "m.backpass is of an unknown kind; expected a model"


def test_a_newer_format_names_itself() -> None:
    error = refused(with_metadata("7", anything="x"))
    assert error.message == "m.backpass has format 7; this version of Backpass reads format 3 and below"
    assert "newer Backpass" in error.hint


@pytest.mark.parametrize("version", ["0", "1", "-1", "true", "02", "1.0", "", "2 "])
def test_a_format_that_is_none(version: str) -> None:
    refused(with_metadata(version))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_numbers_of_a_model_are_finite(number: float, dtype: Any) -> None:
    arrays = {"theta": np.array([1, number], dtype=dtype)}
    with pytest.raises(ModelFileError, match="this model has 1 of 2 numbers in 'theta' that are not finite"):
        pack("model", {}, arrays)
    data = pack("checkpoint", {}, arrays)
    assert unpack(data, "checkpoint", "c")[1]["theta"].tobytes() == arrays["theta"].tobytes()


def test_a_forged_model_with_nan_is_refused() -> None:
    data = pack("model", {}, {"theta": np.zeros(1)})
    forgery = sealed(data[:-8] + np.array([np.nan]).tobytes())
    assert "1 of 1 numbers in 'theta'" in refused(forgery).message


# What pack refuses


@pytest.mark.parametrize(
    "fact",
    [float("nan"), float("inf"), 2**64, -(2**63) - 1, {1: 2}, {"a"}, b"x", np.int64(3), "\ud800", object(), 1j],
    ids=lambda fact: type(fact).__name__,
)
def test_facts_that_json_cannot_hold(fact: object) -> None:
    with pytest.raises(ModelFileError, match="this model has a value that cannot be stored"):
        pack("model", {"fact": fact}, {})  # type: ignore[dict-item]


def test_facts_that_are_too_deep_or_too_long() -> None:
    deep: Any = 1
    for _ in range(31):
        deep = [deep]
    unpack(pack("model", {"deep": deep}, {}), "model", "m")
    with pytest.raises(ModelFileError, match="nested deeper than 32"):
        pack("model", {"deep": [deep]}, {})
    with pytest.raises(ModelFileError, match="the limit is 33554432"):
        pack("model", {"long": "x" * (32 << 20)}, {})


@pytest.mark.parametrize("dtype", ["O", "U3", "S3", "c16", "M8[s]", [("a", "f4")]], ids=str)
def test_arrays_that_are_not_numbers(dtype: Any) -> None:
    with pytest.raises(ModelFileError, match="has an array 'a' of dtype"):
        pack("model", {}, {"a": np.zeros(2, dtype=dtype)})


def test_an_unknown_kind_is_our_mistake() -> None:
    with pytest.raises(UsageError, match="kind must be one of model, checkpoint, search, grouped model; got 'table'"):
        pack("table", {}, {})
    with pytest.raises(UsageError):
        unpack(SMALL, "table", "m")
