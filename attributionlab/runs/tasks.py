"""Task: a call of a function by its address, whose result is recorded, for measurements that are no jobs of a plan."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from attributionlab.errors import MachineError
from attributionlab.measuring.failure import Failure
from attributionlab.runs.records import framed
from attributionlab.runs.time_limit import at_most
from attributionlab.specs.functions import load_function

OWN = "attributionlab."
"""Beginning of the addresses of our own functions."""


@dataclass(frozen=True)
class Task:
    """A call of a function, such as the training and the explanation of one network.

    Args:
        function: Address `package.module:function`; the function takes the arguments by name and `device`, and returns what JSON can hold.
        arguments: Arguments that JSON can hold.
    """

    function: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """Digest of the task, 32 hexadecimal digits."""
        definition = {"function": self.function, "arguments": dict(self.arguments)}
        return hashlib.sha256(orjson.dumps(definition, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]

    @property
    def is_ours(self) -> bool:
        """Whether the function is one of this package, which does not end its process."""
        return self.function.startswith(OWN)


@dataclass(frozen=True)
class TaskResult:
    """The result of a task.

    Args:
        task: The task.
        value: What the function returned; None if it failed.
        error: Why it failed, or None.
        seconds: Time that it took.
    """

    task: Task
    value: Any = None
    error: Failure | None = None
    seconds: float = 0.0

    @property
    def key(self) -> str:
        """Key of the task."""
        return self.task.key

    def to_line(self) -> bytes:
        """Stored form, with a checksum and the newline; NaN becomes null."""
        definition = {"key": self.key, "function": self.task.function, "arguments": dict(self.task.arguments)}
        return framed(orjson.dumps({**definition, "value": self.value, "seconds": self.seconds}))


def do_task(task: Task, device: str, timeout: float | None = None) -> TaskResult:
    """Call the function of a task; what it raises is recorded.

    Args:
        task: The task.
        device: `cpu` or `cuda:i`.
        timeout: Seconds after which it is given up; None for never.
    """
    begin = time.perf_counter()
    try:
        with at_most(timeout, task.function):
            value = load_function(task.function, "task")(**task.arguments, device=device)
    except MachineError:
        raise
    except Exception as error:  # noqa: BLE001  # no memory left, or anything that a function of others does
        return TaskResult(task, error=Failure.of(error), seconds=time.perf_counter() - begin)
    return TaskResult(task, value, seconds=time.perf_counter() - begin)
