"""Section c: generated folders and runs that were altered, given to `score`, `report`, `run` and `generate --force`."""

from __future__ import annotations

import functools
import json
import os
import pickle
import random
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from breaking.cases import REFUSED, Case, Outcome, Violation
from breaking.fixtures import Fixtures
from breaking.judging import drafts

CPU_SECONDS = 3.0
OK = frozenset({0})
READABLE = frozenset({0, 2})

WRONG_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    10**30,
    "",
    "x",
    "\x1b[31m",
    [],
    [1],
    [[]],
    {},
    {"a": 1},
    "\udcff",
)
"""JSON values of wrong types."""

Alter = Callable[[Path], None]


class Damage:
    """Makes cases of altered folders.

    Args:
        fixtures: The folders before.
        numbers: Where choices come from.
    """

    def __init__(self, fixtures: Fixtures, numbers: random.Random) -> None:
        self.fixtures, self.numbers = fixtures, numbers

    def cases(self, n: int) -> list[Case]:
        """All of them; fewer are a sample."""
        cases = [
            *self._manifests(),
            *self._data(),
            *self._maps(),
            *self._force(),
            *self._plans(),
            *self._records(),
            *self._evil(),
        ]
        return self.numbers.sample(cases, n) if n < len(cases) else cases

    def _manifests(self) -> Iterator[Case]:
        names = (
            "format",
            "environment",
            "explains",
            "true_baseline",
            "n_samples",
            "start",
            "files",
            "samples",
            "versions",
        )
        for name in names:
            for value in WRONG_VALUES:
                codes = READABLE if name in {"explains", "true_baseline", "files", "versions"} else REFUSED
                if (name == "start" and value == 0) or (name == "format" and value is True):
                    codes = READABLE
                yield self._score(
                    f"manifest.json: {name} = {value!r}", _json("images/manifest.json", {name: value}), codes
                )
            yield self._score(f"manifest.json without {name}", _json("images/manifest.json", {name: ...}), READABLE)
        for name in ("image", "masks", "target", "index", "patches"):
            for value in (*WRONG_VALUES, "../plan.toml", "/etc/passwd", "/dev/zero", "images", "images/000001.png"):
                codes = REFUSED if name == "image" else READABLE
                alter = _json("images/manifest.json", {name: value}, ("samples", 0))
                yield self._score(f"manifest.json: samples[0].{name} = {value!r}", alter, codes)
        for value in (
            "multi-color-sum[size=1000000000]",
            "multi-color-sum[n_redundant=1000000000]",
            "evil.py:x",
            "x" * 5_000,
        ):
            yield self._score(
                f"manifest.json: environment = {value[:50]!r}", _json("images/manifest.json", {"environment": value})
            )
        for value in (10**9, 10**12):
            alter = _json("images/manifest.json", {"n_samples": value})
            yield self._score(f"manifest.json: n_samples = {value}", alter)
        for label, content in {
            "empty": b"",
            "a list": b"[]",
            "a number": b"1",
            "nested lists": b"[" * 100_000,
            "nested tables": b'{"a":' * 100_000,
            "NaN": b'{"format": NaN}',
            "a huge integer": b'{"format": 1, "environment": "x", "samples": [], "start": 0, "n_samples": '
            + b"9" * 5_000
            + b"}",
            "not UTF-8": b"\xff\xfe",
            "null bytes": b"\0" * 100,
        }.items():
            yield self._score(f"manifest.json: {label}", _bytes("images/manifest.json", content))

    def _data(self) -> Iterator[Case]:
        """Images and truth that are cut, flipped, exchanged."""
        for name in ("images/images/000000.png", "images/truth.npz"):
            size = (self.fixtures.folder / name).stat().st_size
            for keep in sorted({0, 1, 8, 20, 33, 40, size // 2, size - 20, size - 1}):
                codes = READABLE if keep > size - 21 else REFUSED
                yield self._score(f"{name} cut to {keep} bytes", _cut(name, keep), codes)
            for _ in range(30):
                position = self.numbers.randrange(size)
                yield self._score(f"{name} with byte {position} flipped", _flip(name, position), READABLE)
            for label, content in {"zeros": b"\0" * 1_000, "text": b"x" * 1_000}.items():
                yield self._score(f"{name}: {label}", _bytes(name, content))
        for label, alter in {
            "truth.npz of zeros": lambda work: _npz(work / "images/truth.npz", signed="zeros"),
            "truth.npz of floats": lambda work: _npz(work / "images/truth.npz", signed="float"),
            "truth.npz of texts": lambda work: _npz(work / "images/truth.npz", signed="text"),
            "truth.npz of objects": lambda work: _npz(work / "images/truth.npz", signed="object"),
            "truth.npz of another shape": lambda work: _npz(work / "images/truth.npz", signed="shape"),
            "truth.npz is a bomb of 6 GB": lambda work: _bomb(work / "images/truth.npz", "signed.npy"),
            "truth.npz is a bomb beside the truth": lambda work: _bomb(
                work / "images/truth.npz", "more.npy", append=True
            ),
            "truth.npz is a folder": _folder("images/truth.npz"),
            "manifest.json is a folder": _folder("images/manifest.json"),
            "image is a folder": _folder("images/images/000000.png"),
            "image is huge": _huge_png,
            "image is a TIFF": _bytes("images/images/000000.png", b"II*\0\x08\0\0\0\0\0"),
            "image is another": lambda work: shutil.copy(
                work / "images/images/000001.png", work / "images/images/000000.png"
            ),
        }.items():
            codes = READABLE if "beside" in label else REFUSED  # what is not asked for is not read
            yield self._score(label, alter, codes)  # type: ignore[arg-type]  # what they return does not matter

    def _maps(self) -> Iterator[Case]:
        """Files of maps."""
        for ending in (".npy", ".npz", ".pt"):
            for label, content in {"empty": b"", "zeros": b"\0" * 1_000, "text": b"x" * 100}.items():
                yield self._score_maps(f"m{ending}: {label}", f"m{ending}", _bytes(f"m{ending}", content))
        for ending in (".npy", ".pt"):
            alter = _bytes(f"m{ending}", pickle.dumps(_Evil()))
            yield self._score_maps(f"m{ending}: a pickle that runs code", f"m{ending}", alter)
        wrong_shape = frozenset({1, 2})  # a wrong shape is a failure of whoever computed the maps
        yield self._score_maps(
            "m.npz: a bomb of 6 GB", "m.npz", lambda work: _bomb(work / "m.npz", "maps.npy"), codes=wrong_shape
        )
        yield self._score_maps(
            "m.npz: a bomb beside maps", "m.npz", _bomb_beside, "--key=maps", codes=frozenset({0, 1, 2})
        )
        for name, dtype, shape in (
            ("complex", "complex64", (2, 16, 16)),
            ("text", "U1", (2, 16, 16)),
            ("dates", "datetime64[s]", (2, 16, 16)),
            ("records", "i4,f4", (2, 16, 16)),
            ("empty", "float32", (0,)),
            ("scalar", "float32", ()),
            ("many axes", "float32", (1,) * 30),
            ("wrong shape", "float32", (2, 16, 17)),
            ("one image", "float32", (1, 16, 16)),
            ("longdouble", "longdouble", (2, 16, 16)),
            ("bool", "bool", (2, 16, 16)),
            ("half", "float16", (2, 16, 16)),
            ("big endian", ">f4", (2, 16, 16)),
        ):
            codes = (
                frozenset({1})
                if name in {"bool", "half", "big endian", "wrong shape", "one image"}
                else frozenset({1, 2})
            )
            yield self._score_maps(f"m.npy: {name}", "m.npy", _array("m.npy", dtype, shape), codes=codes)
        header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }"
        for shape_text in (b"99999999999,", b"-1, 16, 16", b"2, 16, 16,) * 10 + (1", b"'x',"):
            content = (header % shape_text).ljust(127) + b"\n" + b"\0" * 64
            yield self._score_maps(
                f"m.npy: header with shape ({shape_text.decode()})",
                "m.npy",
                _bytes("m.npy", content),
                codes=wrong_shape,
            )

    def _force(self) -> Iterator[Case]:
        """A user's own files are never deleted."""
        command = ("generate", "multi-color-sum", "--output=images", "--n-samples=1", "--size=16", "--force")
        for name in ("maps.npy", "images/mine.txt", ".hidden", "mine/x.txt", "images/000000.PNG", "masks/mine.png"):

            def alter(work: Path, name: str = name) -> None:
                (work / "images" / name).parent.mkdir(exist_ok=True)
                (work / "images" / name).write_text("mine", encoding="utf-8")

            yield Case(
                f"attributionlab {' '.join(command)}  # with the user's {name} in the folder",
                command,
                codes=REFUSED,
                prepare=self._prepared(alter),
                judge=lambda outcome, name=name: _kept(outcome, f"images/{name}"),
            )
        yield Case(f"attributionlab {' '.join(command)}", command, codes=OK, prepare=self._prepared(_as_is))

    def _plans(self) -> Iterator[Case]:
        names = (
            "environments",
            "methods",
            "metrics",
            "seeds",
            "network_seeds",
            "n_samples",
            "images_per_job",
            "save_maps",
            "gamma",
        )
        for name in (*names, "truth", "name", "code"):
            for value in WRONG_VALUES:
                yield self._report(f"plan.json: {name} = {value!r}", _json("run/plan.json", {name: value}), READABLE)
            yield self._report(f"plan.json without {name}", _json("run/plan.json", {name: ...}), READABLE)
        for name, value in (
            ("environments", ["x"]),
            ("environments", ["multi-color-sum[size=1000000000]"]),
            ("methods", ["x"]),
            ("methods", ["truth", "truth"]),
            ("metrics", ["x"]),
            ("n_samples", 10**12),
            ("more", 1),
            ("__class__", 1),
            ("seeds", list(range(100_000))),
        ):
            yield self._report(
                f"plan.json: {name} = {str(value)[:60]}", _json("run/plan.json", {name: value}), READABLE
            )
        for label, content in {
            "empty": b"",
            "a list": b"[]",
            "null": b"null",
            "nested": b"[" * 100_000,
            "not UTF-8": b"\xff",
            "cut off": (self.fixtures.folder / "run/plan.json").read_bytes()[:50],
        }.items():
            yield self._report(f"plan.json: {label}", _bytes("run/plan.json", content))

    def _records(self) -> Iterator[Case]:
        """Records and maps: a report shows what is there, a resumed run mends the rest."""
        name = "run/records.jsonl"
        size = (self.fixtures.folder / name).stat().st_size
        maps = sorted((self.fixtures.folder / "run/maps").iterdir())
        for keep in sorted(
            {0, 1, 10, size // 3, size // 2, size - 1, *(self.numbers.randrange(size) for _ in range(10))}
        ):
            yield from self._both(f"records.jsonl cut to {keep} bytes", _cut(name, keep), mends=True)
        for _ in range(20):
            position = self.numbers.randrange(size)
            yield from self._both(f"records.jsonl with byte {position} flipped", _flip(name, position), mends=True)
        yield from self._both("without records.jsonl", _removed(name), mends=True)
        yield from self._both("records.jsonl of random bytes", _bytes(name, bytes(range(256)) * 100), mends=True)
        yield from self._both("records.jsonl of null bytes", _bytes(name, b"\0" * 10_000), mends=True)
        yield from self._both("a line of 20 MB in records.jsonl", _bytes(name, b"x" * 20_000_000), mends=True)
        for field in (
            "key",
            "environment",
            "method",
            "measure",
            "start",
            "stop",
            "code",
            "scores",
            "curves",
            "n_zero_maps",
        ):
            for value in (..., None, -1, 1.5, "x", [], {"a": 1}, "\x1b[31m"):
                what = "missing" if value is ... else repr(value)
                yield from self._both(f"a record with a right checksum and {field} {what}", _record({field: value}))
        for field in (
            "diagnosis",
            "diagnostics",
            "n_maps",
            "error",
            "seconds",
            "peak_memory",
            "device",
            "versions",
            "more",
        ):
            for value in (..., -1, "x", [], {"a": 1}, {"type": "\x1b[31m", "message": "=1+1"}):
                what = "missing" if value is ... else repr(value)
                yield from self._both(f"a record with a right checksum and {field} {what}", _record({field: value}))
        for values in ([], [None], ["x"], [1e999], [2, 3], [[1]], [0.1] * 1_000):
            yield from self._both(
                f"a record with scores {str(values)[:40]}", _record({"scores": {"overall.f1": values}})
            )
        file = maps[0].relative_to(self.fixtures.folder)
        length = maps[0].stat().st_size
        for keep in sorted({0, 1, 30, 60, length // 2, length - 30, length - 1}):
            yield from self._both(f"a map file cut to {keep} bytes", _cut(str(file), keep), mends=True)
        for _ in range(20):
            position = self.numbers.randrange(length)
            yield from self._both(f"a map file with byte {position} flipped", _flip(str(file), position), mends=True)
        yield from self._both("a map file that is gone", _removed(str(file)), mends=True)
        yield from self._both("a map file that is a folder", _folder(str(file)), blocked=True)
        yield from self._both("a map file that is another zip", _other_zip(str(file)), mends=True)
        yield from self._both(
            "a map file of another shape", lambda work: _npz_array(work / file, (2, 5, 5)), mends=True
        )
        yield from self._both(
            "a map file with NaN", lambda work: _npz_array(work / file, (2, 16, 16), fill=float("nan"))
        )
        yield from self._both(
            "a map file that is a bomb of 6 GB", lambda work: _bomb(work / file, "maps.npy"), mends=True
        )
        yield from self._both("foreign drafts", _drafts, mends=True)

    def _evil(self) -> Iterator[Case]:
        """Reading runs nothing that a folder names."""
        marker = "from pathlib import Path\nPath('MARKER').touch()\n"
        function = "def m(*_, **__):\n    Path('MARKER').touch()\n    return [0.0, 0.0]\n"
        for entry in ("metrics", "methods", "environments"):
            for path in ("run/evil.py:m", "evil:m", "run.evil:m"):

                def alter(work: Path, entry: str = entry, path: str = path) -> None:
                    for folder in (work, work / "run"):
                        (folder / "evil.py").write_text(marker + function, encoding="utf-8")
                    plan = json.loads((work / "run/plan.json").read_text(encoding="utf-8"))
                    plan[entry] = [*plan[entry], path]
                    (work / "run/plan.json").write_text(json.dumps(plan), encoding="utf-8")

                for options in (
                    (),
                    ("--output=r.html",),
                    ("--figures=f",),
                    ("--format=json",),
                    ("--format=csv",),
                    ("--format=latex",),
                ):
                    command = ("report", "run", *options)
                    yield Case(
                        f"attributionlab {' '.join(command)}  # plan.json with {entry} {path}",
                        command,
                        codes=READABLE,
                        prepare=self._prepared(alter),
                        judge=_nothing_ran,
                        clean=False,
                    )

    def _both(self, label: str, alter: Alter, *, mends: bool = False, blocked: bool = False) -> Iterator[Case]:
        for options in (
            ((), ("--output=r.html",), ("--figures=f",)) if self.numbers.random() < 0.3 else ((("--output=r.html",),))
        ):
            yield self._report(label, alter, READABLE if not mends else OK, options)
        yield Case(
            f"attributionlab run plan.toml -o run  # {label}",
            ("run", "plan.toml", "--output=run"),
            codes=OK if mends else frozenset({3}) if blocked else frozenset({0, 1, 2}),
            prepare=self._prepared(alter),
            judge=_complete if mends else _nothing_ran,
            clean=False,
        )

    def _report(self, label: str, alter: Alter, codes: frozenset[int] = REFUSED, options: tuple[str, ...] = ()) -> Case:
        command = ("report", "run", *options)
        return Case(
            f"attributionlab {' '.join(command)}  # {label}",
            command,
            codes=codes,
            prepare=self._prepared(alter),
            judge=_nothing_ran,
            cpu_seconds=CPU_SECONDS if codes == REFUSED else None,
        )

    def _score(self, label: str, alter: Alter, codes: frozenset[int] = REFUSED) -> Case:
        command = ("score", "images", "maps.npz", "--key=signed", "--rule=point")
        return Case(
            f"attributionlab {' '.join(command)}  # {label}",
            command,
            codes=codes,
            prepare=self._prepared(alter),
            judge=_nothing_ran,
            cpu_seconds=CPU_SECONDS,
        )

    def _score_maps(self, label: str, name: str, alter: Alter, *options: str, codes: frozenset[int] = REFUSED) -> Case:
        command = ("score", "images", name, "--rule=point", *options)
        return Case(
            f"attributionlab {' '.join(command)}  # {label}",
            command,
            codes=codes,
            prepare=self._prepared(alter),
            judge=_nothing_ran,
            cpu_seconds=CPU_SECONDS,
        )

    def _prepared(self, alter: Alter) -> Alter:
        def prepare(work: Path) -> None:
            self.fixtures.copied("images", "run", "plan.toml")(work)
            shutil.copy(work / "images/truth.npz", work / "maps.npz")
            alter(work)

        return prepare


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (open, ("MARKER", "w"))


def _as_is(_: Path) -> None:
    """Alter nothing."""


def _json(name: str, changes: dict[str, Any], at: tuple[Any, ...] = ()) -> Alter:
    def alter(work: Path) -> None:
        whole = json.loads((work / name).read_text(encoding="utf-8"))
        part = whole
        for step in at:
            part = part[step]
        for key, value in changes.items():
            part.pop(key, None)
            if value is not ...:
                part[key] = value
        (work / name).write_text(json.dumps(whole), encoding="utf-8")

    return alter


def _bytes(name: str, content: bytes) -> Alter:
    return lambda work: (work / name).write_bytes(content) and None


def _cut(name: str, keep: int) -> Alter:
    return lambda work: (work / name).write_bytes((work / name).read_bytes()[:keep]) and None


def _removed(name: str) -> Alter:
    return lambda work: (work / name).unlink()


def _flip(name: str, position: int) -> Alter:
    def alter(work: Path) -> None:
        content = bytearray((work / name).read_bytes())
        content[position % len(content)] ^= 0x41
        (work / name).write_bytes(content)

    return alter


def _folder(name: str) -> Alter:
    def alter(work: Path) -> None:
        (work / name).unlink()
        (work / name).mkdir()

    return alter


def _record(changes: dict[str, Any]) -> Alter:
    """Change the first record, with a checksum that fits."""

    def alter(work: Path) -> None:
        file = work / "run/records.jsonl"
        first, *others = file.read_bytes().splitlines(keepends=True)
        record = json.loads(first)["record"]
        for key, value in changes.items():
            record.pop(key, None)
            if value is not ...:
                record[key] = value
        body = json.dumps(record, separators=(",", ":")).encode()
        line = b'{"crc32":"%08x","record":' % zlib.crc32(body) + body + b"}\n"
        file.write_bytes(line + b"".join(others))

    return alter


def _npz(path: Path, signed: str) -> None:
    import numpy as np  # noqa: PLC0415  # only where cases are prepared

    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    values = arrays["signed"]
    arrays["signed"] = {
        "zeros": lambda: np.zeros_like(values),
        "float": lambda: values.astype(np.float64),
        "text": lambda: values.astype("U2"),
        "object": lambda: values.astype(object),
        "shape": lambda: values[:, :5],
    }[signed]()
    np.savez_compressed(path, **arrays)


def _npz_array(path: Path, shape: tuple[int, ...], fill: float = 0.0) -> None:
    import numpy as np  # noqa: PLC0415  # only where cases are prepared

    np.savez_compressed(path, maps=np.full(shape, fill, dtype=np.float32))


def _array(name: str, dtype: str, shape: tuple[int, ...]) -> Alter:
    def alter(work: Path) -> None:
        import numpy as np  # noqa: PLC0415  # only where cases are prepared

        np.save(work / name, np.zeros(shape, dtype=np.dtype(dtype)))

    return alter


BOMB_SIZE = 6_000_000_000


@functools.cache
def _deflated_bomb() -> tuple[bytes, int, int]:
    """An array of 6 GB of zeros, deflated to a few megabytes; its checksum and its length."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({BOMB_SIZE},), }}".ljust(117) + "\n"
    head = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    zeros = bytes(1 << 24)
    repeats, rest = divmod(BOMB_SIZE, len(zeros))
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    begin = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    middle = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)  # the same bytes each time
    end = packer.compress(zeros[:rest]) + packer.flush()
    checksum = zlib.crc32(head)
    for _ in range(repeats):
        checksum = zlib.crc32(zeros, checksum)
    return begin + middle * repeats + end, zlib.crc32(zeros[:rest], checksum), len(head) + BOMB_SIZE


def _bomb(path: Path, member: str, *, append: bool = False) -> None:
    """An archive with an array of 6 GB of zeros."""
    content, checksum, length = _deflated_bomb()
    with zipfile.ZipFile(path, "a" if append else "w") as archive:
        entry = zipfile.ZipInfo(member)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.CRC, entry.compress_size, entry.file_size = checksum, len(content), length
        archive.fp.seek(archive.start_dir)  # type: ignore[union-attr]  # it is open
        entry.header_offset = archive.start_dir
        archive.fp.write(entry.FileHeader(zip64=True) + content)  # type: ignore[union-attr]  # it is open
        archive.start_dir = archive.fp.tell()  # type: ignore[union-attr]  # it is open
        archive.filelist.append(entry)
        archive.NameToInfo[member] = entry
        archive._didModify = True  # noqa: SLF001  # so that the directory is written; `writestr` would deflate 6 GB each time


def _bomb_beside(work: Path) -> None:
    _npz_array(work / "m.npz", (2, 16, 16))
    _bomb(work / "m.npz", "more.npy", append=True)


def _huge_png(work: Path) -> None:
    """A picture of 60,000 x 60,000 pixels in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    side = (60_000).to_bytes(4, "big")
    header = chunk(b"IHDR", side + side + bytes((8, 2, 0, 0, 0)))
    pixels = chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
    (work / "images/images/000000.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b""))


def _other_zip(name: str) -> Alter:
    def alter(work: Path) -> None:
        with zipfile.ZipFile(work / name, "w") as archive:
            archive.writestr("x.txt", "x")

    return alter


def _drafts(work: Path) -> None:
    from attributionlab.files import draft_name  # noqa: PLC0415  # only in a child

    abandoned = draft_name().replace(f"-{os.getpid()}-", "-999999999-")  # no process has this number
    (work / "run" / abandoned).write_text("x", encoding="utf-8")
    (work / "run/maps" / abandoned).write_text("x", encoding="utf-8")


def _nothing_ran(outcome: Outcome) -> list[Violation]:
    if any("MARKER" in name for name in outcome.after):
        return [Violation("data", "code of the folder was run", "code was run")]
    return []


def _kept(outcome: Outcome, name: str) -> list[Violation]:
    if outcome.before[name] != outcome.after.get(name):
        return [Violation("data", f"the user's {name.partition('/')[2]} is gone", "a user's file is gone")]
    return []


def _map_problem(path: Path) -> str:
    """What is wrong with a file of maps; an array that is too large is not read, as the harness has no limit of memory."""
    import numpy as np  # noqa: PLC0415  # only where cases are judged

    try:
        with zipfile.ZipFile(path) as archive:
            largest = max(entry.file_size for entry in archive.infolist())
        if largest > 1 << 20:
            return f"{largest:,} bytes"
        with np.load(path) as stored:
            shape = stored["maps"].shape
    except Exception as error:  # noqa: BLE001  # whatever is wrong with the file
        return f"maps cannot be read ({error})"
    return "" if shape[1:] == (16, 16) else f"maps of shape {shape}"


def _complete(outcome: Outcome) -> list[Violation]:
    """After a resume every record is whole and every map can be read."""
    if outcome.code != 0:
        return []
    problems = _nothing_ran(outcome)
    if drafts(outcome.after):
        problems.append(Violation("left behind", f"exit 0: {drafts(outcome.after)[0]}"))
    keys = set()
    for line in (outcome.folder / "run/records.jsonl").read_bytes().splitlines():
        record = json.loads(line)["record"]
        keys.add(record["key"])
        if record["n_maps"]:
            problem = _map_problem(outcome.folder / f"run/maps/{record['key']}.npz")
            if problem:
                problems.append(Violation("data", f"{problem} after a resume", "maps not made again"))
    if len(keys) != 8:
        problems.append(Violation("data", f"{len(keys)} records instead of 8", "records missing"))
    return problems
