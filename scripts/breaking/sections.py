"""The sections: a title, what makes the cases, and how many there are in the full and in the quick form."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from breaking import misbehaving, plans
from breaking.api import Api
from breaking.cases import Case
from breaking.commands import Commands
from breaking.damage import Damage
from breaking.fixtures import Fixtures
from breaking.kills import Kills
from breaking.limits import Limits

Make = Callable[[Fixtures, random.Random, int], Sequence[Case]]


SECTIONS: dict[str, tuple[str, Make, int, int]] = {
    "a": ("command lines", lambda fixtures, numbers, n: Commands(fixtures, numbers).cases(n), 3_000, 60),
    "b": ("plans", lambda _, numbers, n: plans.cases(numbers, n), 100_000, 50),
    "c": ("damaged folders", lambda fixtures, numbers, n: Damage(fixtures, numbers).cases(n), 100_000, 60),
    "d": ("Python API", lambda fixtures, numbers, n: Api(fixtures).cases(numbers, n), 3_840, 120),
    "e": ("misbehaving methods", lambda _, numbers, n: misbehaving.cases(numbers, n), 100_000, 40),
    "f": ("kills", lambda fixtures, numbers, n: Kills(fixtures, numbers).cases(n), 120, 8),
    "g": ("limits", lambda fixtures, numbers, n: Limits(fixtures).cases(numbers, n), 100_000, 20),
}
