"""Signals that come outside of a command's own work: typer catches them and says nothing."""

import os
import signal

import pytest

from attributionlab.cli import app as program


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
@pytest.mark.parametrize(("number", "code", "line"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")])
def test_a_signal_while_arguments_are_parsed_gets_its_line_and_exit_code(monkeypatch, capsys, number, code, line):
    def interrupted(*_, **__):
        signal.raise_signal(getattr(signal, number))

    monkeypatch.setattr("sys.argv", ["attributionlab", "list", "methods"])
    monkeypatch.setattr(program.HelpfulCommand, "make_context", interrupted)
    earlier = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    try:
        assert program._program() == code
    finally:
        for each, handler in earlier.items():
            signal.signal(each, handler)
    assert capsys.readouterr().err == f"error: {line}\n"
