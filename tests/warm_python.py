"""Python processes that have imported torch when they begin: children forked from one server.

A new interpreter takes two seconds of processor time until torch and the package are imported, a fork takes milliseconds. The server
has one thread and has computed nothing, so it may be forked. Its children begin and end as an interpreter does; what an interpreter
imports, and how fast, is tested with real ones. Systems other than Linux start real interpreters.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import types
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
"""Of Linux, see prctl(2)."""

HIGHEST_DESCRIPTOR = 256
"""Descriptors that a child starts with are below this number."""

COMMAND = "from attributionlab.cli.app import run; run()"
"""The program `attributionlab`."""


class WarmPython:
    """Server of such processes, until it is closed."""

    def __init__(self):
        self._socket, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, __file__, str(there.fileno())]
        self._server = subprocess.Popen(command, pass_fds=[there.fileno()], start_new_session=True)
        there.close()

    def close(self):
        self._socket.close()
        self._server.wait()

    def start(self, program, *arguments, cwd=None, env=None, new_session=False):
        """Start `python -c program *arguments`; returns a process with the methods of `subprocess.Popen`."""
        return _Process(self._socket, program, [str(argument) for argument in arguments], cwd, env, new_session)

    def start_child(self, module, arguments, descriptors, env):
        """Start `python -m module *arguments` as a child of this process with these open descriptors; returns its id.

        The server's child hands it over by ending: its parent is then the next ancestor that asks for orphans, which is this process.
        """
        inherited = [0, 1, 2, *descriptors]
        request = {
            "module": module,
            "arguments": arguments,
            "descriptors": inherited,
            "parent": os.getpid(),
            "cwd": str(Path.cwd()),
            "env": env,
        }
        reading, writing = os.pipe()
        _ask_for_orphans(True)
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], [writing, *inherited])
            os.close(writing)
            with os.fdopen(reading, "r", encoding="ascii") as answer:
                child = int(answer.readline())
            while _parent_of(child) != os.getpid():
                time.sleep(0.0005)
        finally:
            _ask_for_orphans(False)
        return child

    def run(self, program, *arguments, cwd=None, env=None):
        """Run `python -c program *arguments` to its end, and capture what it prints."""
        with self.start(program, *arguments, cwd=cwd, env=env) as process:
            stdout, stderr = process.communicate()
        return subprocess.CompletedProcess((program, *arguments), process.returncode, stdout, stderr)


class ColdPython:
    """Starts real interpreters, with the methods of `WarmPython`."""

    def close(self):
        pass

    def start(self, program, *arguments, cwd=None, env=None, new_session=False):
        command = [sys.executable, "-c", program, *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=cwd, env=env, start_new_session=new_session, **pipes)

    def run(self, program, *arguments, cwd=None, env=None):
        command = [sys.executable, "-c", program, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=env)


class _Process:
    """A forked child: the part of `subprocess.Popen` that the tests use."""

    def __init__(self, server, program, arguments, cwd, env, new_session):
        self.returncode = None
        self._output, self._errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115  # until `__exit__`
        reading, writing = os.pipe()
        self._status = os.fdopen(reading, "r", encoding="ascii")
        request = {
            "program": program,
            "arguments": arguments,
            "cwd": str(cwd or Path.cwd()),
            "env": dict(os.environ if env is None else env),
            "new_session": new_session,
        }
        socket.send_fds(server, [json.dumps(request).encode()], [self._output.fileno(), self._errors.fileno(), writing])
        os.close(writing)
        self.pid = int(self._status.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wait()
        for file in (self._status, self._output, self._errors):
            file.close()

    def poll(self):
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self):
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(int(self._status.readline()))
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def communicate(self):
        self.wait()
        texts = []
        for file in (self._output, self._errors):
            file.seek(0)
            texts.append(file.read().decode())
        return tuple(texts)


def _ask_for_orphans(asks):
    """Let descendants whose parent ends become children of this process, or not."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, int(asks), 0, 0, 0) == 0


def _parent_of(process):
    """The id of a process's parent."""
    status = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    return int(status.rpartition(")")[2].split()[1])


def serve(connection):
    """Fork a child for each request until the other end is closed."""
    _import_most()
    gc.collect()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 64)
        if not message:
            return
        if os.fork() == 0:
            connection.close()
            request = json.loads(message)
            (_hand_over if "module" in request else _start_and_wait)(request, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass


def _import_most():
    """Import what most of the programs import: torch and what checks and runs need."""
    from attributionlab.cli.app import app
    from attributionlab.exchange.dataset import generate
    from attributionlab.judging import check
    from attributionlab.runs import run_plan

    assert all(map(callable, (app, check, generate, run_plan)))


def _start_and_wait(request, stdout, stderr, status):
    """Fork the child, and tell its id and then its exit status."""
    child = os.fork()
    if child == 0:
        _child(request, stdout, stderr)
    os.write(status, f"{child}\n".encode())
    _, code = os.waitpid(child, 0)
    os.write(status, f"{code}\n".encode())
    os._exit(0)


def _child(request, stdout, stderr):
    code = 70
    try:
        if request["new_session"]:
            os.setsid()
        for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (stdout, 1), (stderr, 2)):
            os.dup2(source, target)
        os.closerange(3, 256)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        code = _interpret(request["program"], request["arguments"])
    finally:
        os._exit(code)


def _hand_over(request, status, *descriptors):
    """Fork the child, tell its id, and end, so that it gets the parent that asks for it."""
    import fcntl  # not on every system

    child = os.fork()
    if child:
        os.write(status, f"{child}\n".encode())
        os._exit(0)
    code = 70
    try:
        while os.getppid() != request["parent"]:
            time.sleep(0.0005)
        copies = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, HIGHEST_DESCRIPTOR) for descriptor in descriptors]
        os.closerange(0, HIGHEST_DESCRIPTOR)
        for copy, target in zip(copies, request["descriptors"], strict=True):
            os.dup2(copy, target)
            os.close(copy)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        code = _interpret(
            f"import runpy; runpy.run_module({request['module']!r}, run_name='__main__', alter_sys=True)",
            request["arguments"],
        )
    finally:
        os._exit(code)


def _interpret(program, arguments):
    """What an interpreter does with `-c program`; returns its exit code."""
    files = ((0, "r", "strict"), (1, "w", "strict"), (2, "w", "backslashreplace"))
    sys.stdin, sys.stdout, sys.stderr = (
        open(descriptor, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115  # until the process ends
        for descriptor, mode, errors in files
    )
    sys.stderr.reconfigure(line_buffering=True)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    sys.argv, sys.path[0] = ["-c", *arguments], ""
    code = 0
    try:
        exec(compile(program, "<string>", "exec", dont_inherit=True), vars(main))
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if isinstance(stop.code, str):
            sys.stderr.write(f"{stop.code}\n")
    except BaseException:  # noqa: BLE001  # as the interpreter does
        traceback.print_exc()
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    return code & 0xFF


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
