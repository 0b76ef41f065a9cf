"""Runs cases many at a time: a process that has imported everything forks a child per case."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import gc
import os
import pwd
import resource
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
import types
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from breaking.cases import Case, Outcome, Violation, snapshot
from breaking.judging import judged

ROOT = Path(__file__).resolve().parents[2]
GRACE = 4.0
"""Seconds that processes of a case may outlive it."""

CALL_SECONDS = 120
"""Time after which a call that should just work counts as hanging."""

MEMORY = 4 << 30
N_PROCESSES = 400
PROGRAM = "from attributionlab.cli.app import run; run()"

Verdicts = Callable[[Case, Outcome, Sequence[Violation]], None]


@dataclass
class _Running:
    case: Case
    process: int
    pidfd: int
    folder: Path
    begin: float
    before: dict[str, str]
    kill_at: float | None
    pipes: tuple[int, ...]
    hung: bool = False


class Pool:
    """Forks children for cases; at most `width` at once.

    Args:
        width: Children at once.
        scratch: Where folders of cases are made.
    """

    def __init__(self, width: int, scratch: Path) -> None:
        self.width, self.scratch = width, scratch
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: orphans become our children
        self.user = pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else None
        (scratch / "config").mkdir(exist_ok=True)
        scratch.chmod(0o755)
        if self.user is not None:
            os.chown(scratch / "config", self.user, self.user)

    def run(self, cases: Iterable[Case], record: Verdicts) -> None:
        """Run all cases, judge each while its folder exists, and hand the verdict on."""
        gc.collect()
        gc.freeze()
        left, running = deque(cases), list[_Running]()
        try:
            while left or running:
                while left and len(running) < self.width:
                    running.append(self._started(left.popleft()))
                self._wait(running)
                for child in list(running):
                    if select.select([child.pidfd], [], [], 0)[0]:
                        running.remove(child)
                        left.extend(self._finish(child, record))
        finally:
            for child in running:  # where the harness itself is stopped
                _signal(child.process, signal.SIGKILL)
                for process in _living(child.process):
                    _signal(process, signal.SIGKILL)

    def _wait(self, running: list[_Running]) -> None:
        now = time.monotonic()
        moments = [child.begin + child.case.seconds for child in running if not child.hung]
        moments += [child.kill_at for child in running if child.kill_at is not None]
        timeout = max(0.0, min(moments, default=now + 1) - now)
        poll = select.poll()
        for child in running:
            poll.register(child.pidfd, select.POLLIN)
        poll.poll(timeout * 1000)
        now = time.monotonic()
        for child in running:
            if child.kill_at is not None and now >= child.kill_at:
                child.kill_at = None
                _signal(child.process, child.case.kill[0])  # type: ignore[index]  # it has a moment, so it has a signal
            ended = select.select([child.pidfd], [], [], 0)[0]  # while this process was busy, perhaps
            if not ended and not child.hung and now >= child.begin + child.case.seconds:
                child.hung = True
                _signal(child.process, signal.SIGKILL)

    def _started(self, case: Case) -> _Running:
        folder = Path(tempfile.mkdtemp(prefix="case-", dir=self.scratch))
        work = folder / "work"
        work.mkdir()
        case.prepare(work)
        if self.user is not None:
            for place in (folder, work, *work.rglob("*")):
                os.chown(place, self.user, self.user, follow_symlinks=False)
        before = snapshot(work)
        sys.stdout.flush()
        sys.stderr.flush()
        pipes = [os.pipe() for _ in range(2)] if case.piped else []
        for _, writing in pipes:
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 1 << 20)
        process = os.fork()
        if process == 0:
            self._child(case, folder, work, [writing for _, writing in pipes])
        for _, writing in pipes:
            os.close(writing)
        begin = time.monotonic()
        kill_at = None if case.kill is None else begin + case.kill[1]
        return _Running(
            case,
            process,
            os.pidfd_open(process),
            folder,
            begin,
            before,
            kill_at,
            tuple(reading for reading, _ in pipes),
        )

    def _child(self, case: Case, folder: Path, work: Path, pipes: Sequence[int]) -> NoReturn:
        """Everything in the child: it never returns."""
        code = 70
        try:
            os.setsid()
            out = os.open(case.stdout or folder / "stdout", os.O_WRONLY | os.O_CREAT, 0o600)
            err = os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT, 0o600)
            out, err = pipes or (out, err)
            for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
                os.dup2(source, target)
            os.closerange(3, 256)
            os.chdir(work)
            (folder / "answer").touch(mode=0o666)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if self.user is not None:
                os.chown(folder / "answer", self.user, self.user)
                resource.setrlimit(resource.RLIMIT_NPROC, (N_PROCESSES, N_PROCESSES))
                _become(self.user)
            config = str(self.scratch / "config")
            os.environ.update(
                HOME=config, MPLCONFIGDIR=config, PYTHONPATH=str(ROOT), PYTHONDONTWRITEBYTECODE="1", OMP_NUM_THREADS="1"
            )
            os.environ.update(case.environment)
            sys.dont_write_bytecode = True
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            if case.setup is not None:
                case.setup()
            if case.real:
                os.execv(sys.executable, [sys.executable, "-c", PROGRAM, *map(os.fsencode, case.command or ())])  # noqa: S606  # argv as it is
            code = _in_process(case, folder)
        except BaseException:  # noqa: BLE001  # a child must not run on in the parent's code
            traceback.print_exc()
        finally:
            os._exit(code)
        raise AssertionError

    def _finish(self, child: _Running, record: Verdicts) -> Sequence[Case]:
        _, status, usage = os.wait4(child.process, 0)
        os.close(child.pidfd)
        seconds = time.monotonic() - child.begin
        code = os.waitstatus_to_exitcode(status)
        work = child.folder / "work"
        survivors = _survivors(child.process)
        texts = {name: _read(child.folder / name) for name in ("stdout", "stderr", "answer")}
        for name, reading in zip(("stdout", "stderr"), child.pipes, strict=False):
            os.set_blocking(reading, False)
            with contextlib.suppress(BlockingIOError):
                texts[name] = os.read(reading, 1 << 20)
            os.close(reading)
        outcome = Outcome(
            code=128 - code if code < 0 else code,
            stdout=texts["stdout"],
            stderr=texts["stderr"],
            seconds=seconds,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_memory=usage.ru_maxrss * 1024,
            hung=child.hung,
            survivors=survivors,
            before=child.before,
            after=snapshot(work),
            folder=work,
            answer=texts["answer"],
        )
        try:
            record(child.case, outcome, list(judged(child.case, outcome)))
        finally:
            shutil.rmtree(child.folder, ignore_errors=True)
        return child.case.rest(outcome)


def call(command: Sequence[str], folder: Path) -> tuple[int, str]:
    """Run a command to its end in a forked child: exit code and what it printed."""
    log = folder.parent / "log"
    process = os.fork()
    if process == 0:
        code = 70
        try:
            os.setsid()
            signal.alarm(CALL_SECONDS)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.chdir(folder)
            descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            code = _in_process(Case("", tuple(command)), folder)
        finally:
            os._exit(code)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), _read(log).decode(errors="replace")


def _in_process(case: Case, folder: Path) -> int:
    """Run a case as a new interpreter would, and return its exit code."""
    sys.stdin, sys.stdout, sys.stderr = (
        open(descriptor, mode, encoding="utf-8", errors=errors, closefd=False, buffering=-1)  # noqa: SIM115  # they live as long as the process
        for descriptor, mode, errors in ((0, "r", "strict"), (1, "w", "strict"), (2, "w", "backslashreplace"))
    )
    sys.stderr.reconfigure(line_buffering=True)
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr  # type: ignore[misc]  # as in a new interpreter
    sys.modules["__main__"] = types.ModuleType("__main__")  # so that worker processes do not import the harness
    sys.path.insert(0, "")
    code = 0
    try:
        if case.command is None:
            assert case.action is not None
            case.action(folder / "answer")
        else:
            sys.argv = ["attributionlab", *case.command]
            from attributionlab.cli.app import run  # noqa: PLC0415  # imported before, by `warm_up`

            run()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
    except KeyboardInterrupt:
        traceback.print_exc()
        code = 130
    except BaseException:  # noqa: BLE001  # as the interpreter does
        with contextlib.suppress(BaseException):
            traceback.print_exc()
        code = 1
    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  # as the interpreter does
        atexit._run_exitfuncs()  # noqa: SLF001  # as the interpreter does
    try:
        if sys.stdout is not None and not sys.stdout.closed:
            sys.stdout.flush()
    except (OSError, ValueError) as error:
        code = 120
        with contextlib.suppress(BaseException):
            print(f"Exception ignored in: stdout\n{type(error).__name__}: {error}", file=sys.stderr)
    return code & 0xFF


class _Capabilities(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _become(user: int) -> None:
    """Become a user who may read everything, as the interpreter may lie in root's home, but write only their own files."""
    libc = ctypes.CDLL(None, use_errno=True)
    os.setgroups([])
    os.setresgid(user, user, user)
    libc.prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
    os.setresuid(user, user, user)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    read_everything = 1 << 2  # CAP_DAC_READ_SEARCH
    data = (_Capabilities * 2)(_Capabilities(read_everything, read_everything, read_everything))
    if libc.capset(header, data) == 0:
        libc.prctl(47, 2, 2, 0, 0)  # PR_CAP_AMBIENT_RAISE: also after exec


def warm_up() -> None:
    """Import everything that a command imports, and build what does not need autograd."""
    import importlib  # noqa: PLC0415  # only here
    import pkgutil  # noqa: PLC0415  # only here

    import torch  # noqa: PLC0415  # only where cases run

    import attributionlab  # noqa: PLC0415  # as above

    for name in (
        "pydantic",
        "importlib.readers",
        "typer.rich_utils",
        "rich.progress",
        "rich.table",
    ):  # otherwise on demand
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    torch.set_num_threads(1)
    for module in pkgutil.walk_packages(attributionlab.__path__, "attributionlab."):
        if not module.name.endswith("pytest_plugin"):
            importlib.import_module(module.name)
    for name in attributionlab.__all__:
        getattr(attributionlab, name)


def _signal(process: int, number: int) -> None:
    """Send a signal to the process that was started, as `kill` does."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def _survivors(session: int) -> tuple[str, ...]:
    """Processes of the session of a case that still run after a while; they are killed."""
    deadline = time.monotonic() + GRACE
    while living := _living(session):
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    for process in living:
        _signal(process, signal.SIGKILL)
    return tuple(living.values())


def _living(session: int) -> dict[int, str]:
    """Processes of a session that are no zombies, with their command lines; orphans are our own children."""
    living = {}
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    for child in map(int, children):
        try:
            text = Path("/proc", str(child), "stat").read_text(encoding="utf-8", errors="replace")
            state, _, _, owner = text.rpartition(") ")[2].split()[:4]
            if int(owner) != session:
                continue
            if state in "ZX":
                os.waitpid(child, os.WNOHANG)
                continue
            command = Path("/proc", str(child), "cmdline").read_bytes().replace(b"\0", b" ")
            living[child] = command.decode(errors="replace").strip()
        except OSError:
            continue
    return living


def _read(path: Path, most: int = 12 << 20) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError:
        return b""
