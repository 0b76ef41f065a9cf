"""Hostile values for command lines, with what is certain about each."""

from __future__ import annotations

from dataclasses import dataclass

DIGITS = "9" * 5_000
LONG = "x" * 300
CONTROL = "\x1b[31mred\x1b[0m"


@dataclass(frozen=True)
class Value:
    """A text on the command line.

    Args:
        text: The text.
        bad: Whether it must be refused with exit code 2.
    """

    text: str
    bad: bool = True


def _bad(*texts: str) -> tuple[Value, ...]:
    return tuple(Value(text) for text in texts)


def _perhaps(*texts: str) -> tuple[Value, ...]:
    return tuple(Value(text, bad=False) for text in texts)


NAMES = (
    "",
    " ",
    "\n",
    "\t",
    "x" * 3_000,
    LONG,
    CONTROL,
    "\x07\x08\x7f",
    "\x9b31m",
    "\u202egnp",
    "\xe9\U0001d518",
    "\udcff\udcfe",
    "=1+1",
    "+1",
    "@x",
    "[bold]x[/bold]",
    "[/]",
    "{x}",
    "%s%n",
    "..",
    "/",
    ".",
    "None",
    "nan",
    "-1",
    DIGITS,
)
"""Texts that name nothing."""

INTEGERS = (
    *_bad("", " ", "x", "-1", "-" + DIGITS, "1e3", "1.5", "nan", "inf", "1e26", "0x10", "1;2", "[]", "\n", CONTROL),
    *_bad("\udcff", "None", "true", "--", "1 2", "\xbd", LONG),
    *_perhaps("-0", "1_0", "\u0663", " 1 ", "2147483648", "9223372036854775807"),
)

TOO_LARGE = tuple(Value(text) for text in ("1000000000", "99999999999999999999", DIGITS, "1" + "0" * 400))
"""For options that decide how much work there is."""

LARGE = tuple(Value(text, bad=False) for text in ("1000000000", "99999999999999999999", DIGITS))

NUMBERS = (
    *_bad("", " ", "x", "nan", "-nan", "inf", "-inf", "-1", DIGITS, "1e999", "1,5", "0x1p3", "[]", CONTROL, "\udcff"),
    *_perhaps("1e-999", "-0.0", "1e26", "\u0663", "1_0.0"),
)

SPECS = (
    *_bad(*NAMES),
    *_bad("NAME[", "NAME[[", "NAME]", "NAME[]]", "[size=16]", "NAME[size", "NAME[=]", "NAME[=1]", "NAME[,x]"),
    *_bad("NAME[size=16][size=16]", "NAME[size=16]x", "NAME[unknown=1]", "NAME[\x1b[31m=1]", "NAME[\udcff=1]"),
    *_bad("NAME[x=1,x=2]", "NAME[" * 1_000, "NAME" + "[" * 5_000, "NAME[" + "x=1," * 5_000 + "]", "NAME(size=16)"),
    *_bad("NAME[unknown=\U0001d518]", "NAME[unknown=" + DIGITS + "]", "NAME\n[x=1]", "NAME\x00"[:-1] + "\x1b"),
    *_perhaps(" NAME ", "NAME[]", "NAME[ ]", "NAME[,]"),
)
"""Specs; NAME stands for a name that exists."""

FUNCTIONS = _bad(
    ":",
    ":x",
    "x:",
    "::",
    "missing.py:f",
    "evil.py:",
    "evil.py:missing",
    "evil.py:NUMBER",
    "evil.py:\udcff",
    "evil.py:" + CONTROL,
    "syntax.py:f",
    "raising.py:f",
    "leaving.py:f",
    "surrogate.py:f",
    "folder:f",
    "folder.py:f",
    "\udcff.py:f",
    CONTROL + ".py:f",
    "no.such.module:f",
    "os:missing",
    "os:sep",
    "sys:exit[",
    "evil.py:returns_none[x=",
    "pipe.py:f",
    LONG + ".py:f",
)
"""Addresses of functions that cannot be loaded."""

OPTION_SPECS = {
    "multi-color-sum": (
        "size=",
        "size=x",
        "size=15",
        "size=-1",
        "size=1e3",
        "size=nan",
        f"size={DIGITS}",
        "size=1000000000",
        "size=16,height=16",
        "size=16,size=17",
        "seed=-1",
        f"seed={DIGITS}",
        "seed=1,data_seed=2",
        "n_redundant=-1",
        "n_redundant=x",
        "n_redundant=1000000000",
        f"n_redundant={DIGITS}",
        "n_kernels=-1",
        "n_kernels=1000000000",
        "temperature=nan",
        "temperature=inf",
        "temperature=0",
        "temperature=-1",
        "temperature=1e-400",
        "output=",
        "output=x",
        f"output={CONTROL}",
        "activation=x",
        "structure=x",
        "accumulator=x",
        "max_margin=nan",
        "max_margin=-1",
        "colors=",
        "colors=1",
        "colors=1,2,3",
        "colors=300,0,0;0,0,0",
        "background=256,0,0",
        "background=-1,0,0",
        "background=1,2",
        "redundant_scale=nan",
        "redundant_scale=inf",
        "patch_radii=0",
        "setting=1",
        "name=x",
        "summary=x",
        "__class__=x",
    ),
    "single-color-modulo": (
        "modulus=0",
        "modulus=-1",
        "modulus=x",
        "modulus=1000000000",
        f"modulus={DIGITS}",
        "max_count=-1",
        "max_count=1",
        f"max_count={DIGITS}",
        "size=17x",
        "unknown=1",
    ),
    "single-color-sum": ("size=8", "output=logit", "seed=nan", "temperature=1"),
}
"""Options of environments that must be refused."""

METHOD_OPTIONS = (
    "integrated-gradients[n_steps=0]",
    "integrated-gradients[n_steps=-1]",
    "integrated-gradients[n_steps=x]",
    f"integrated-gradients[n_steps={DIGITS}]",
    "integrated-gradients[baseline=x]",
    "integrated-gradients[baseline=1,2]",
    "integrated-gradients[baseline=300,0,0]",
    "integrated-gradients[baseline=]",
    "occlusion[window=0]",
    "occlusion[window=-1]",
    "occlusion[window=1000000000]",
    f"occlusion[window={DIGITS}]",
    "occlusion[stride=0]",
    "gradcam[layer=-1]",
    "gradcam[layer=99]",
    "gradcam[layer=x]",
    f"gradcam[layer={DIGITS}]",
    "lime[segments=x]",
    "lime[segments=sam]",
    "lime[n_samples=0]",
    "lime[n_samples=-1]",
    "lime[segments=grid,n_segments=0]",
    "random[seed=-1]",
    f"random[seed={DIGITS}]",
    "truth[x=1]",
    "rise[n_masks=0]",
    "smoothgrad[n_samples=0]",
    "smoothgrad[noise=nan]",
    "gradient[setting=1]",
    "gradient[name=x]",
)
"""Methods whose options must be refused."""

METRIC_OPTIONS = (
    "insertion[canvas=x]",
    "insertion[canvas=]",
    "insertion[order=x]",
    "insertion[steps=0]",
    "insertion[steps=-1]",
    "insertion[steps=x]",
    "insertion[measure=x]",
    "sensitivity-n[n_orders=0]",
    "sensitivity-n[n_orders=-1]",
    "sensitivity-n[n_orders=x]",
    f"sensitivity-n[n_orders={DIGITS}]",
    "sensitivity-n[seed=-1]",
    "deletion[unknown=1]",
    "insertion,insertion",
    "insertion[canvas=black],insertion",
)
"""Metrics that must be refused."""

INPUT_PATHS = _bad(
    "",
    " ",
    "/",
    ".",
    "..",
    "missing",
    "missing/x",
    "plan.toml",
    "plan.toml/x",
    "folder",
    "loop",
    "dangling",
    "pipe",
    "pipe.npy",
    "pipe.toml",
    "/dev/null",
    "/dev/zero",
    "/proc/self/mem",
    LONG,
    "a/" * 3_000,
    "\udcff",
    "\udcff.npy",
    "\udcff.toml",
    CONTROL,
    CONTROL + ".npy",
    "\u202e.toml",
    "~",
    "-",
    "empty.npy",
    "empty.npz",
    "empty.pt",
    "empty.toml",
    "zeros.npy",
    "zeros.npz",
    "zeros.pt",
    "evil.py",
)
"""Paths at which there is nothing that can be read; the case's folder has the files that exist."""

OUTPUT_PATHS = (
    *_bad("", "/", "plan.toml/x", "plan.toml/x.png", "plan.toml/x.html", "/dev/null", "/dev/null/x.png"),
    *_perhaps(" ", ".", "..", "folder", "full", "plan.toml", "loop", "dangling", "loop/x.png", LONG, LONG + ".png"),
    *_perhaps(LONG + ".html", "a/" * 3_000 + "x.png", "\udcff", "\udcff.png", "\udcff.html", CONTROL, CONTROL + ".png"),
    *_perhaps("\n.png", "\u202e.html", "/proc/x.png", "/proc/x.html", "/proc/x", "/dev/full", "no/such/x.png", "x.PNG"),
    *_perhaps("folder.png", "folder.html", "own.png", "own.html", "[bold]x[/].png", "~", "-", "x.tiff", "no/such/x"),
)
"""Paths to write to."""
