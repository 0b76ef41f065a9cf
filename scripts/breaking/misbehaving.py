"""Section e: methods that misbehave, in `check`, `run`, `audit` and `show`."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from breaking.cases import Case, Outcome, Violation

FAILED = frozenset({1})
MADE = frozenset({0, 1, 4})


@dataclass(frozen=True)
class Misdeed:
    """A body of a method.

    Args:
        label: What it does.
        body: Its source.
        codes: Exit codes that are right.
    """

    label: str
    body: str
    codes: frozenset[int] = FAILED


MISDEEDS = (
    Misdeed("raise a text with surrogates", "raise ValueError('\\udcff\\ud800')"),
    Misdeed("raise a text of 5 MB", "raise ValueError('x' * 5_000_000)"),
    Misdeed("raise a text of 5 MB in lines", "raise ValueError('x\\n' * 2_500_000)"),
    Misdeed("raise escape sequences", "raise ValueError('\\x1b[31mred\\x07\\x9b')"),
    Misdeed("raise a spreadsheet's formula", "raise ValueError('=1+1')"),
    Misdeed("raise markup", "raise ValueError('[bold]x[/] </script><script>alert(1)</script>')"),
    Misdeed("raise an error without a text", "raise Silent"),
    Misdeed("raise an error whose text is no text", "raise Numbered"),
    Misdeed("raise an error with a hostile name", "raise type('\\x1b[31m', (Exception,), {})('x')"),
    Misdeed("raise a group", "raise ExceptionGroup('x', [ValueError('y'), KeyError('z')])"),
    Misdeed("raise GeneratorExit", "raise GeneratorExit"),
    Misdeed("raise StopIteration", "raise StopIteration"),
    Misdeed("raise SystemExit(0)", "raise SystemExit(0)"),
    Misdeed("raise SystemExit with a text", "raise SystemExit('x')"),
    Misdeed("raise KeyboardInterrupt", "raise KeyboardInterrupt", frozenset({1, 130})),
    Misdeed("raise BaseException", "raise BaseException('x')"),
    Misdeed("raise MemoryError", "raise MemoryError"),
    Misdeed("raise OSError", "raise OSError(28, 'No space left on device')"),
    Misdeed("raise BrokenPipeError", "raise BrokenPipeError"),
    Misdeed(
        "raise our own error",
        "from attributionlab.errors import MachineError; raise MachineError('x')",
        frozenset({1, 3}),
    ),
    Misdeed(
        "raise an error of usage",
        "from attributionlab.errors import BadOption; raise BadOption('x\\ny')",
        frozenset({1, 2}),
    ),
    Misdeed("raise an error that cannot be pickled", "raise Unpicklable(lambda: 0)"),
    Misdeed("recurse", "return method(model, inputs, targets)"),
    Misdeed("os._exit(0)", "import os; os._exit(0)"),
    Misdeed("os._exit(3)", "import os; os._exit(3)"),
    Misdeed(
        "sys.exit(0) in a thread",
        "import threading, sys; threading.Thread(target=sys.exit).start(); raise ValueError('x')",
    ),
    Misdeed("exit at exit", "import atexit, os; atexit.register(os._exit, 0); raise ValueError('x')"),
    Misdeed("kill itself", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", frozenset({1, 137})),
    Misdeed("terminate itself", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)", frozenset({1, 143})),
    Misdeed("exec true", "import os; os.execv('/bin/true', ['true'])"),
    Misdeed("segfault", "import ctypes; ctypes.string_at(0)", frozenset({1, 139})),
    Misdeed("change the model", "next(model.parameters()).data.add_(1); return good(inputs)"),
    Misdeed("change the model and raise", "next(model.parameters()).data.add_(1); raise ValueError('x')"),
    Misdeed("change the inputs", "inputs.add_(1); return good(inputs)"),
    Misdeed("change torch", "torch.set_default_dtype(torch.float64); return good(inputs)"),
    Misdeed(
        "change the warnings",
        "import warnings; warnings.simplefilter('error'); warnings.showwarning = None; return good(inputs)",
        MADE,
    ),
    Misdeed(
        "warn with escape sequences",
        "import warnings; warnings.warn('\\x1b[31m\\nx' * 3, UserWarning); return good(inputs)",
        MADE,
    ),
    Misdeed(
        "warn a text of 5 MB", "import warnings; warnings.warn('x' * 5_000_000, UserWarning); return good(inputs)", MADE
    ),
    Misdeed("print escape sequences", "print('\\x1b[31mred'); return good(inputs)", MADE),
    Misdeed("print surrogates", "print('\\udcff'); return good(inputs)", frozenset({0, 1, 4})),
    Misdeed("close stdout", "import sys; sys.stdout.close(); return good(inputs)", MADE),
    Misdeed("close descriptor 1", "import os; os.close(1); return good(inputs)", MADE),
    Misdeed("close all descriptors", "import os; os.closerange(3, 64); return good(inputs)", frozenset({0, 1, 3, 4})),
    Misdeed("set stdout to None", "import sys; sys.stdout = sys.stderr = None; return good(inputs)", MADE),
    Misdeed("change the folder", "import os; os.chdir('/'); return good(inputs)", MADE),
    Misdeed("change the umask", "import os; os.umask(0o777); return good(inputs)", MADE | {3}),
    Misdeed("ignore signals", "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); return good(inputs)", MADE),
    Misdeed("fork and go on", "import os; os.fork(); return good(inputs)", MADE),
    Misdeed(
        "fork and raise in the child",
        "import os\n    if os.fork() == 0: raise ValueError('x')\n    return good(inputs)",
        MADE,
    ),
    Misdeed(
        "leave a thread",
        "import threading, time; threading.Thread(target=time.sleep, args=(1,)).start(); return good(inputs)",
        MADE,
    ),
    Misdeed("return None", "return None"),
    Misdeed("return itself", "return method"),
    Misdeed("return NaN", "return good(inputs) * float('nan')"),
    Misdeed("return infinity", "return good(inputs) / 0"),
    Misdeed("return another shape", "return good(inputs)[:, :5]"),
    Misdeed("return complex values", "return good(inputs).to(torch.complex64)"),
    Misdeed("return a sparse tensor", "return good(inputs).to_sparse()"),
    Misdeed("return a meta tensor", "return good(inputs).to('meta')"),
    Misdeed("return an object with a hostile type", "return type('\\x1b[31m', (), {})()"),
    Misdeed("return a tensor that raises", "return good(inputs).as_subclass(Hostile)", frozenset({0, 1, 4})),
)

SOURCE = """import torch
class Silent(Exception):
    def __str__(self):
        raise RuntimeError('no text')
class Numbered(Exception):
    def __str__(self):
        return 1
class Unpicklable(Exception):
    def __init__(self, function):
        self.function = function
        super().__init__('x')
class Hostile(torch.Tensor):
    @classmethod
    def __torch_function__(cls, *arguments, **options):
        raise RuntimeError('no operation')
def good(inputs):
    return inputs.abs().sum(dim=1) + torch.rand(inputs.shape[0], *inputs.shape[2:])
def method(model, inputs, targets):
    {body}
"""

ENDLESS = "while True:\n        try:\n            while True: pass\n        except BaseException: pass"

PLAN = 'environments = ["multi-color-sum[size=16]"]\nmethods = ["truth", "evil.py:method"]\nn_samples = 1\n'

Arguments = tuple[str, ...]

COMMANDS: dict[str, Arguments] = {
    "check": ("check", "evil.py:method", "--size=16", "--n-samples=4"),
    "answers": ("answers", "evil.py:method", "--size=16", "--n-samples=1"),
    "check json": ("check", "evil.py:method", "--size=16", "--n-samples=4", "--format=json"),
    "check csv": ("check", "evil.py:method", "--size=16", "--n-samples=4", "--format", "csv"),
    "run": ("run", "plan.toml", "--output=run"),
    "audit": ("audit", "--methods=truth,evil.py:method", "--metrics=insertion[steps=4]", "--size=16", "--n-samples=1"),
    "show": ("show", "multi-color-sum", "--methods=evil.py:method", "--size=16", "--n-samples=1", "--output=s.png"),
}


def cases(numbers: random.Random, n: int) -> list[Case]:
    """Every misdeed in every command; fewer are a sample."""
    made = list(_all())
    return numbers.sample(made, n) if n < len(made) else made


def _all() -> Iterator[Case]:
    for misdeed in MISDEEDS:
        for name, command in COMMANDS.items():
            may_pass = misdeed.codes >= MADE
            codes = misdeed.codes
            if may_pass and name in {"run", "audit", "show", "answers"}:
                codes = codes - {4}
            if name == "audit" and misdeed.codes == FAILED:
                codes = frozenset({0, 1})  # it lists failed methods beside the others; no verdict is asked for
                if "exec" in misdeed.label:
                    codes = FAILED
            yield _case(misdeed.label, misdeed.body, command, codes, n_records=2 if name == "run" else None)
    for workers in (1, 2):
        command = ("run", "plan.toml", "--output=run", "--timeout=2", f"--workers={workers}")
        yield _case("loop and swallow every exception", ENDLESS, command, FAILED, n_records=2, seconds=300)
    for label in (
        "os._exit(0)",
        "raise a text with surrogates",
        "raise GeneratorExit",
        "raise an error that cannot be pickled",
    ):
        body = next(misdeed.body for misdeed in MISDEEDS if misdeed.label == label)
        command = ("run", "plan.toml", "--output=run", "--workers=2")
        yield _case(label, body, command, FAILED, n_records=2, seconds=300)


def _case(
    label: str,
    body: str,
    command: Arguments,
    codes: frozenset[int],
    *,
    n_records: int | None = None,
    seconds: float = 30,
) -> Case:
    def prepare(work: Path) -> None:
        (work / "evil.py").write_text(SOURCE.replace("{body}", body), encoding="utf-8")
        (work / "plan.toml").write_text(PLAN, encoding="utf-8")

    def judge(outcome: Outcome) -> Sequence[Violation]:
        if n_records is None or outcome.code in {130, 137, 139, 143} or outcome.hung:
            return ()
        return _judged_records(outcome, n_records)

    return Case(
        f"attributionlab {' '.join(command)}  # evil.py: {label}",
        command,
        codes=codes,
        prepare=prepare,
        judge=judge,
        chatter="print" in body or "fork" in body or "closerange" in body or "KeyboardInterrupt" in body,
        seconds=seconds,
        clean=False,
    )


def _judged_records(outcome: Outcome, n_records: int) -> list[Violation]:
    """Each job has a record, whatever the method did."""
    file = outcome.folder / "run/records.jsonl"
    if not file.exists():
        return [Violation("data", f"no record at all, exit {outcome.code}", "records missing")]
    records = [json.loads(line)["record"] for line in file.read_bytes().splitlines()]
    if len(records) != n_records:
        return [Violation("data", f"{len(records)} of {n_records} records, exit {outcome.code}", "records missing")]
    longest = max(len(record["error"]["message"]) for record in records if record["error"]) if outcome.code == 1 else 0
    if longest > 2_000:
        return [Violation("too long", f"a recorded message of {longest:,} characters", "record")]
    return []
