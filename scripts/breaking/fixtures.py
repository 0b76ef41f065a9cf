"""Files that cases start from: a generated folder, a run, hostile files."""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from breaking.forked import call

EVIL = """
import torch
NUMBER = 1
def returns_none(model, inputs, targets):
    return None
"""

PLAN = """environments = ["multi-color-sum[size=16]"]
methods = ["gradient", "random"]
metrics = ["insertion"]
n_samples = 4
images_per_job = 2
save_maps = 4
"""

HOSTILE_FILES = {
    "evil.py": EVIL,
    "syntax.py": "def f(:\n",
    "raising.py": "raise RuntimeError('a\\nb' * 3000)\n",
    "leaving.py": "import sys\nsys.exit(0)\n",
    "surrogate.py": "raise RuntimeError('\\udcff\\x1b[31m')\n",
    "empty.npy": "",
    "empty.npz": "",
    "empty.pt": "",
    "empty.toml": "",
    "zeros.npy": "\0" * 64,
    "zeros.npz": "\0" * 64,
    "zeros.pt": "\0" * 64,
    "own.png": "my own picture",
    "own.html": "my own page",
}


class Fixtures:
    """Folders that are made once and copied into cases.

    Args:
        folder: Where they are kept.

    `pace` is the wall-clock time that a second of CPU time takes on this machine now.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        begin, before = time.monotonic(), _cpu_seconds()
        folder.mkdir()
        (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
        self._call("generate", "multi-color-sum", "-n", "2", "--size", "16", "-o", "images")
        self._call("modify", "--images", "flat", "--manipulation", "spot", "-n", "10", "--size", "16", "-o", "modified")
        self._call("run", "plan.toml", "-o", "run")
        self._call("report", "run", "-o", "r.html")
        small = ("--size", "16", "--n-samples", "1")
        self._call("show", "multi-color-sum", "-o", "s.png", *small)
        self._call("audit", "--methods", "gradient,random", "--metrics", "insertion", *small, "-o", "a.png")
        self.pace = max(1.0, (time.monotonic() - begin) / (_cpu_seconds() - before))

    def _call(self, *arguments: str) -> None:
        code, text = call(arguments, self.folder)
        if code != 0:
            raise RuntimeError(f"{' '.join(arguments)}: exit {code}; {text}")

    def old(self, name: str) -> Path:
        """A file that an earlier call wrote."""
        return self.folder / name

    def copied(self, *names: str) -> Callable[[Path], None]:
        """A function that copies some of the fixtures into a folder."""

        def prepare(work: Path) -> None:
            for name in names:
                source = self.folder / name
                if source.is_dir():
                    shutil.copytree(source, work / name)
                else:
                    shutil.copy(source, work / name)

        return prepare


def _cpu_seconds() -> float:
    """CPU time of all children so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def hostile_folder(work: Path) -> None:
    """Files and links that hostile paths name."""
    for name, text in HOSTILE_FILES.items():
        (work / name).write_text(text, encoding="utf-8")
    for name in ("folder", "folder.py", "folder.png", "folder.html", "full"):
        (work / name).mkdir()
    (work / "full" / "mine.txt").write_text("mine", encoding="utf-8")
    (work / "loop").symlink_to("loop")
    (work / "dangling").symlink_to("nowhere")
    for name in ("pipe", "pipe.npy", "pipe.toml", "pipe.py"):
        os.mkfifo(work / name)
