"""Section b: plans that are broken, huge, nested, hostile."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from breaking.cases import REFUSED, Case, Outcome, Violation
from breaking.values import DIGITS, LONG, METHOD_OPTIONS, METRIC_OPTIONS, OPTION_SPECS

CPU_SECONDS = 2.0

GOOD = {
    "environments": '["multi-color-sum[size=16]"]',
    "methods": '["truth"]',
    "metrics": '["insertion"]',
    "seeds": "[0]",
    "network_seeds": "[0]",
    "n_samples": "1",
    "images_per_job": "1",
    "save_maps": "0",
    "gamma": "0.5",
    "truth": '"auto"',
    "name": '"run"',
}
"""Entries that work."""

WRONG = (
    "1",
    "-1",
    "0",
    "1.5",
    "nan",
    "inf",
    "true",
    '""',
    '"x"',
    '"\\u001b[31mred"',
    '"\\u202e"',
    "[]",
    "[1]",
    "[true]",
    "[[]]",
    "[nan]",
    '[""]',
    '["x"]',
    '["\\u001b[31m"]',
    '["[bold]x[/]"]',
    '["multi-color-sum["]',
    "[-1]",
    "[1.5]",
    "[0, 0]",
    "[{}]",
    "[{name = 1}]",
    "[{name = 'x'}]",
    "[{name = []}]",
    "{}",
    "{name = 'x'}",
    "1979-05-27",
    "07:32:00",
    "[9223372036854775807]",
    "9223372036854775807",
    "1000000000",
    f"[{'0, ' * 2_000}]",
    f'"{LONG * 20}"',
    f'["{LONG * 20}"]',
)
"""Values of wrong types, as TOML."""

FITTING = {
    "n_samples": {"1"},
    "images_per_job": {"1", "9223372036854775807", "1000000000"},
    "save_maps": {"1", "0", "true", "1000000000", "9223372036854775807"},
    "gamma": {"1", "0"},
    "name": {'""', '"x"', f'"{LONG * 20}"', '"\\u001b[31mred"', '"\\u202e"'},
    "metrics": {"[]"},
    "seeds": {"[]", "[1]", "[9223372036854775807]"},
    "network_seeds": {"[]", "[1]", "[9223372036854775807]"},
}
"""Values among the wrong ones that may be right."""

TEXTS = {
    "empty": "",
    "unfinished string": 'name = "x',
    "unfinished list": "environments = [",
    "null byte": 'name = "\0"',
    "control characters": "\x1b[31m = 1",
    "byte order mark": "\ufeff" + 'name = "x"',
    "nested lists": f"environments = {'[' * 5_000}{']' * 5_000}",
    "nested tables": f"environments = {'{a=' * 5_000}1{'}' * 5_000}",
    "dotted key": f"{'a.' * 5_000}b = 1",
    "long heading": f"[{'a.' * 5_000}b]",
    "huge integer": f"n_samples = {DIGITS}",
    "huge seed": f"environments = ['multi-color-sum[size=16]']\nmethods = ['truth']\nseeds = [{DIGITS}]",
    "huge float": f"gamma = {DIGITS}.0",
    "huge name": f'name = "{"x" * 2_000_000}"',
    "huge key": f'"{"x" * 100_000}" = 1',
    "many keys": "\n".join(f"key{number} = 1" for number in range(20_000)),
    "many problems": f"environments = [{'1, ' * 20_000}]",
    "many methods": f"""environments = ['multi-color-sum[size=16]']\nmethods = [{", ".join(f"'x{n}'" for n in range(3_000))}]""",
    "key with control characters": f'"\\u001b[31m{LONG}" = 1',
    "duplicate key": "name = 'x'\nname = 'x'",
    "crlf and tabs": "name\t=\t'x'\r\nmethods\r= 1",
    "work without end": "environments = ['multi-color-sum[size=16]']\nmethods = ['truth']\nn_samples = 1000000000000",
    "many seeds": f"environments = ['multi-color-sum[size=16]']\nmethods = ['truth']\nn_samples = 1000000000\nseeds = {list(range(3_000))}",
}
"""Whole files."""

LATIN_1 = "name = '\xe9'".encode("latin-1")


def plan_text(**changes: str) -> str:
    """A plan with some entries replaced."""
    return "".join(f"{name} = {text}\n" for name, text in {**GOOD, **changes}.items())


def cases(numbers: random.Random, n: int) -> list[Case]:
    """Every entry with every wrong value, whole files, specs with broken options, evil functions."""
    made = [*_entries(), *_files(), *_specs(), *_functions()]
    return numbers.sample(made, n) if n < len(made) else made


def _entries() -> Iterator[Case]:
    for name in GOOD:
        for wrong in WRONG:
            fits = wrong in FITTING.get(name, set())
            codes = frozenset({0, 1, 2}) if fits else REFUSED
            yield _case(f"{name} = {wrong[:80]}", plan_text(**{name: wrong}), codes=codes)
        without = {key: text for key, text in GOOD.items() if key != name}
        codes = REFUSED if name in {"environments", "methods"} else frozenset({0})
        yield _case(f"without {name}", "".join(f"{key} = {text}\n" for key, text in without.items()), codes=codes)


def _files() -> Iterator[Case]:
    for label, text in TEXTS.items():
        yield _case(f"a plan that is: {label}", text)
    yield _case("a plan in Latin-1", LATIN_1)
    yield _case("a plan of random bytes", bytes(range(256)) * 4)


def _specs() -> Iterator[Case]:
    for environment, options in OPTION_SPECS.items():
        for option in options:
            yield _case(
                f"environments = [{environment}[{option[:60]}]]",
                plan_text(environments=f"[{_toml(f'{environment}[{option}]')}]"),
            )
    for method in METHOD_OPTIONS:
        yield _case(f"methods = [{method[:60]}]", plan_text(methods=f"[{_toml(method)}]"), codes=frozenset({1, 2}))
    for metric in METRIC_OPTIONS:
        if metric.count("insertion") != 2:
            yield _case(f"metrics = [{metric[:60]}]", plan_text(metrics=f"[{_toml(metric)}]"))
    for name in ("\\u001b[31m", "\\u202e", "__class__", "size\\n", LONG):
        yield _case(
            f"an option called {name[:20]}", plan_text(environments=f'[{{name = "multi-color-sum", "{name}" = 1}}]')
        )
    for value in ("{a = 1}", "[[[]]]", "1979-05-27", "nan", "[" * 200 + "]" * 200):
        yield _case(f"size = {value[:20]}", plan_text(environments=f'[{{name = "multi-color-sum", size = {value}}}]'))


EVIL = {
    "raise": "raise ValueError('x')",
    "raise a long text": "raise ValueError('x' * 5_000_000)",
    "raise a text with surrogates": "raise ValueError('\\udcff\\x1b[31m')",
    "return text": "return 'x' * len(attribution)",
    "return nothing": "return None",
    "return NaN": "return attribution.flatten(1).sum(1) * float('nan')",
    "return too many": "return attribution.flatten()",
    "return a million": "return [0.0] * 1_000_000",
    "exit": "import sys; sys.exit(0)",
    "exit at once": "import os; os._exit(0)",
    "generator exit": "raise GeneratorExit",
    "interrupt": "raise KeyboardInterrupt",
    "return infinity": "return [float('inf')] * len(attribution)",
    "recurse": "return metric(environment, batch, attribution)",
    "print": "print('\\x1b[31mred'); return [0.0] * len(attribution)",
    "say that texts cannot be made": "class Silent(Exception):\n        def __str__(self): raise RuntimeError\n    raise Silent",
}
"""Bodies of metrics that misbehave."""

METRIC_CODES = {
    "print": frozenset({0}),
    "interrupt": frozenset({1, 130}),
    "return NaN": frozenset({0, 1}),
    "return infinity": frozenset({0, 1}),
}
"""Exit codes where they are not just 1."""


def _functions() -> Iterator[Case]:
    for label, body in EVIL.items():
        text = f"import attributionlab as al\n@al.metric(higher_is_better=True)\ndef metric(environment, batch, attribution):\n    {body}\n"
        codes = METRIC_CODES.get(label, frozenset({1}))
        yield _case(
            f"a metric that does: {label}",
            plan_text(metrics='["evil.py:metric"]'),
            evil=text,
            codes=codes,
            chatter=True,
            clean=False,
        )
    for body in (
        "raise ValueError('x' * 5_000_000)",
        "return None",
        "raise SystemExit(0)",
        "raise KeyboardInterrupt",
        "return 1 / 0",
    ):
        codes = frozenset({2, 130}) if "Interrupt" in body else REFUSED
        yield _case(
            f"evil.py:plan with {body}",
            "",
            evil=f"def plan():\n    {body}\n",
            codes=codes,
            argument="evil.py:plan",
            clean=False,
        )


def _toml(text: str) -> str:
    return (
        '"'
        + "".join(
            letter if " " <= letter <= "~" and letter not in '"\\' else f"\\u{ord(letter):04x}" for letter in text
        )
        + '"'
    )


def _case(
    label: str,
    text: str | bytes,
    *,
    evil: str = "",
    codes: frozenset[int] = REFUSED,
    argument: str = "plan.toml",
    chatter: bool = False,
    clean: bool = True,
) -> Case:
    def prepare(work: Path) -> None:
        content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        (work / "plan.toml").write_bytes(content)
        if evil:
            (work / "evil.py").write_text(evil, encoding="utf-8")

    return Case(
        f"attributionlab run {argument} -o run  # {label}",
        ("run", argument, "--output=run"),
        codes=codes,
        prepare=prepare,
        judge=_nothing_lost,
        chatter=chatter,
        clean=clean,
        cpu_seconds=CPU_SECONDS if codes == REFUSED else None,
        seconds=10 if codes == REFUSED else 60,
    )


def _nothing_lost(outcome: Outcome) -> list[Violation]:
    """The plan itself is never changed."""
    if outcome.before.get("plan.toml") != outcome.after.get("plan.toml"):
        return [Violation("data", "the plan was changed")]
    return []
