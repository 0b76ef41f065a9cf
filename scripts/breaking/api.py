"""Section d: the Python API with every parameter replaced by hostile objects."""

from __future__ import annotations

import dataclasses
import inspect
import json
import random
import re
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from breaking.cases import Case, Outcome, Violation
from breaking.fixtures import Fixtures

OWN_NETWORK = {"assert_values"}
"""Assertions that take no environment but their own."""

RESULTS = {"Agreement", "Answers", "Audit", "Curve", "SensitivityCurve", "Verdict", "Report"}
"""Results of functions: nobody builds them, so what they are built from is not checked."""

CALL_SECONDS = 25

ABSTRACT = {"Environment", "Method", "Metric"}
"""Classes that are inherited from; nobody builds them."""

_CALL_IMPOSSIBLE = re.compile(r"missing \d+ required|unexpected keyword|positional argument|multiple values|abstract")


class Silent:
    """An object whose texts cannot be made."""

    def __repr__(self) -> str:
        raise RuntimeError("no text")


class Unequal:
    """An object that cannot be compared."""

    __hash__ = None  # type: ignore[assignment]  # on purpose

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")


@dataclass(frozen=True)
class Hostile:
    """A hostile object.

    Args:
        name: How it is written.
        value: The object.
    """

    name: str
    value: Any


def hostile_objects() -> list[Hostile]:
    """Objects that fit hardly any parameter."""
    import numpy as np  # noqa: PLC0415  # only where cases are made
    import torch  # noqa: PLC0415  # as above

    return [
        Hostile("None", None),
        Hostile("object()", object()),
        Hostile("''", ""),
        Hostile("'x'", "x"),
        Hostile("'\\udcff\\x1b[31m'", "\udcff\x1b[31m"),
        Hostile("b'x'", b"x"),
        Hostile("-1", -1),
        Hostile("0", 0),
        Hostile("1.5", 1.5),
        Hostile("float('nan')", float("nan")),
        Hostile("float('inf')", float("inf")),
        Hostile("True", True),
        Hostile("10**30", 10**30),
        Hostile("10**5000", 10**5000),
        Hostile("1j", 1j),
        Hostile("[]", []),
        Hostile("[None]", [None]),
        Hostile("[[]]", [[]]),
        Hostile("()", ()),
        Hostile("{}", {}),
        Hostile("{'x': 1}", {"x": 1}),
        Hostile("int", int),
        Hostile("lambda: 0", lambda: 0),
        Hostile("Silent()", Silent()),
        Hostile("Unequal()", Unequal()),
        Hostile("np.array(['x'])", np.array(["x"])),
        Hostile("np.zeros((2, 16, 16))", np.zeros((2, 16, 16))),
        Hostile("torch.zeros(0)", torch.zeros(0)),
        Hostile("torch.zeros(3)", torch.zeros(3)),
        Hostile("torch.zeros(2, 3, 5, 5)", torch.zeros(2, 3, 5, 5)),
        Hostile("torch.zeros(2, 16, 16, dtype=torch.complex64)", torch.zeros(2, 16, 16, dtype=torch.complex64)),
        Hostile("torch.full((2, 16, 16), nan)", torch.full((2, 16, 16), torch.nan)),
        Hostile("torch.zeros(2, 16, 16, device='meta')", torch.zeros(2, 16, 16, device="meta")),
        Hostile("torch.zeros(2, 16, 16).to_sparse()", torch.zeros(2, 16, 16).to_sparse()),
    ]


FITS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "count": lambda value: _is_integer(value) and value >= 1,
    "index": lambda value: _is_integer(value) and value >= 0,
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0,
    "share": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1,
    "flag": lambda value: isinstance(value, bool),
    "callable": callable,
    "callback": callable,
    "count or None": lambda value: value is None or (_is_integer(value) and value >= 0),
    "maps": lambda value: getattr(value, "shape", None) == (2, 16, 16),
    "inputs": lambda value: getattr(value, "ndim", 0) >= 3,  # (b, c, *shape)
    "sequence": lambda value: isinstance(value, (list, tuple, set, dict)) and not value,
    "mapping": lambda value: isinstance(value, dict),
    "anything": lambda _: True,
    "nothing": lambda _: False,
}
"""Values that a parameter of this kind may take."""

PARAMETERS = {
    "family": "text",
    "source": "text",
    "name": "text",
    "zero_maps": "text",
    "completeness": "text",
    "tolerance": "number",
    "gamma": "share",
    "share": "share",
    "n_samples": "count",
    "n_pixels": "index",
    "n_orders": "count",
    "n_images": "index",
    "n": "count",
    "start": "index",
    "batch_size": "count",
    "images_per_job": "count",
    "workers": "count",
    "network_seeds": "count",
    "steps": "count",
    "max_memory": "count",
    "seed": "index",
    "data_seed": "index",
    "network_seed": "index",
    "save_maps": "index",
    "paired": "flag",
    "exhaustive": "flag",
    "retry_failed": "flag",
    "higher_is_better": "flag",
    "progress": "callback",
    "watch": "callback",
    "attribution": "maps",
    "maps": "maps",
    "function": "callable",
    "method": "callable",
    "needs": "sequence",
    "metrics": "sequence",
    "seeds": "sequence",
    "activations": "sequence",
    "structures": "sequence",
    "code": "mapping",
    "timeout": "number",
    "max_seconds": "number",
    "one_network": "flag",
    "context": "anything",
}
"""Kinds of parameters by name; a parameter that is not here takes none of the hostile objects."""

FUNCTION_PARAMETERS = {
    "make_method": {"method": "callable"},
    "make_metric": {"metric": "callable"},
    "check": {"method": "callable"},
    "answers": {"method": "callable"},
    "Plan": {"network_seeds": "sequence"},
    "Plan.of": {"network_seeds": "sequence"},
    "Batch": {"scenes": "sequence"},
    "declares(...)": {"function": "callable"},
    "metric(...)": {"function": "callable"},
    "environment.sample": {"target": "index"},
    "environment.batch": {"target": "index"},
    "run_plan": {"folder": "text"},
    "random(...)": {"model": "anything"},
    "records.of": {"environment": "text", "method": "text", "measure": "text", "n_images": "count or None"},
    "LabeledImages": {"inputs": "inputs"},
    "gradient.baseline_like": {"inputs": "inputs"},
    "records.scores": {"environment": "text", "method": "text", "measure": "text"},
    "records.all_scores": {"environment": "text", "method": "text", "measure": "text"},
    "records.curves": {"environment": "text", "method": "text", "metric": "text"},
    "records.maps": {"environment": "text", "method": "text"},
}
"""Kinds that differ from those by name."""

CALLBACKS = {"progress", "watch"}

RELATIONAL = {"gamma", "tolerance", "share", "size", "n_samples", "start", "seed", "n_orders", "steps"}


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True)
class Subject:
    """Something to call, with arguments that work.

    Args:
        name: How it is written.
        call: The function.
        arguments: Arguments that work, by parameter; those by position only come first.
        parameters: Which parameters are replaced; None for all of the signature.
    """

    name: str
    call: Callable[..., Any]
    arguments: Mapping[str, Any]
    parameters: tuple[str, ...] | None = None


def subjects(folder: Path) -> Iterator[Subject]:
    """Everything public, with arguments that work."""
    import torch  # noqa: PLC0415  # only where cases are made

    import attributionlab as al  # noqa: PLC0415  # as above
    from attributionlab import testing  # noqa: PLC0415  # as above

    environment = al.make_environment("multi-color-sum", size=16)
    batch = environment.sample(2)
    maps = batch.ground_truth.signed.float()
    gradient = al.make_method("gradient", environment)
    insertion = al.make_metric("insertion", steps=4)
    plan = al.Plan.of(environments=["multi-color-sum[size=16]"], methods=["truth"], n_samples=1)
    records = al.load_records(folder / "run")
    scored = al.score(maps, batch.ground_truth)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(768, 3)).eval()
    truth = batch.ground_truth
    spec, method = "multi-color-sum[size=16]", "gradient"
    small: dict[str, Any] = {"environment": environment, "n_samples": 2, "size": 16, "rule": "point"}
    arguments: dict[str, dict[str, Any]] = {
        "Batch": {name: getattr(batch, name) for name in ("inputs", "targets", "labels", "ground_truth", "scenes")},
        "GroundTruth": {name: getattr(truth, name) for name in ("signed", "patch_ids", "smooth_positive_mask")},
        "Declaration": {},
        "LabeledImages": {"inputs": batch.inputs, "targets": batch.targets},
        "TrainedNetwork": {"model": network, "true_baseline": torch.zeros(3)},
        "Plan": {"environments": (spec,), "methods": (method,)},
        "Records": {"folder": folder / "run"},
        "answers": {"method": "truth", "environment": environment, "n_samples": 1},
        "audit": {"methods": ["truth", "random"], "metrics": [insertion], "environments": environment, "n_samples": 1},
        "sweep": {"methods": "truth", "vary": "noise", "values": [0], "environment": environment, "n_samples": 1},
        "check": {"method": "truth", "environments": environment, "n_samples": 1, "rule": "point"},
        "check_maps": {"maps": maps, "environment": environment, "batch": batch},
        "declares": {},
        "exact_values": {"environment": environment, "batch": batch, "game": "removal"},
        "deletion": {"environment": environment, "batch": batch, "attribution": maps, "steps": 4},
        "insertion": {"environment": environment, "batch": batch, "attribution": maps, "steps": 4},
        "sensitivity_n": {"environment": environment, "batch": batch, "attribution": maps, "n_orders": 2},
        "load_records": {"folder": folder / "run"},
        "make_environment": {"name": spec},
        "make_method": {"method": "gradient", "environment": environment},
        "make_metric": {"metric": "insertion"},
        "metric": {"higher_is_better": True},
        "read_plan": {"path": folder / "plan.toml"},
        "run_plan": {"plan": plan, "folder": "out"},
        "score": {"attribution": maps, "ground_truth": truth},
        "verify": {"environment": environment, "n_samples": 1, "n_pixels": 1},
    }
    for name in al.__all__:
        # modules are no calls; what `register_*` adds would change the calls after it, and tests/specs has their bad arguments
        if name not in RESULTS | ABSTRACT and not inspect.ismodule(getattr(al, name)) and "register_" not in name:
            yield Subject(name, getattr(al, name), arguments.get(name, {}))
    for name in testing.__all__:
        function = getattr(testing, name)
        if name not in RESULTS and not (isinstance(function, type) and issubclass(function, BaseException)):
            names = inspect.signature(function).parameters.keys() - ({"environment"} if name in OWN_NETWORK else set())
            method_or_metric = {"metric": insertion} if "metric" in names else {"method": "gradient"}
            yield Subject(name, function, method_or_metric | {key: small[key] for key in small if key in names})
    for name, options in (
        ("multi-color-sum", ("size", "height", "seed", "n_redundant", "n_kernels", "temperature", "output", "colors")),
        ("multi-color-sum", ("background", "accumulator", "max_margin", "activation", "structure", "redundant_scale")),
        ("single-color-modulo", ("modulus", "max_count", "size", "activation")),
    ):
        base = {} if "height" in options else {"size": 16}
        yield Subject(f"make_environment:{name}", _options(al.make_environment, name), base, options)
    for name in ("integrated-gradients", "occlusion", "gradcam", "lime", "random", "smoothgrad", "rise", "iba"):
        options = tuple(option for option in _option_names(al.make_method(name)) if option != "environment")
        yield Subject(f"make_method:{name}", _options(al.make_method, name), {}, options)
    for name in ("insertion", "sensitivity-n"):
        options = tuple(_option_names(al.make_metric(name)))
        yield Subject(f"make_metric:{name}", _options(al.make_metric, name), {}, options)
    call = {"model": environment.model, "inputs": batch.inputs, "targets": batch.targets}
    for name in ("gradient", "integrated-gradients", "occlusion", "gradcam", "random"):
        yield Subject(f"{name}(...)", al.make_method(name, environment), call, tuple(call))
    yield Subject("environment.sample", environment.sample, {"n": 1})
    yield Subject("environment.to", environment.to, {"device": "cpu"})
    yield Subject("environment.batch", environment.batch, {"scenes": batch.scenes})
    yield Subject("batch.to", batch.to, {"device": "cpu"})
    yield Subject("agreement.against", scored.against, {"truth": "overall"})
    yield Subject("gradient.baseline_like", gradient.baseline_like, {"inputs": batch.inputs, "baseline": "black"})
    evaluated = {"environment": environment, "batch": batch, "attribution": maps}
    yield Subject("insertion.evaluate", insertion.evaluate, evaluated)
    yield Subject("insertion.prepare", insertion.prepare, {"environment": environment, "batch": batch})
    yield Subject("declares(...)", al.declares(), {"function": lambda *_: maps})
    yield Subject("metric(...)", al.metric(higher_is_better=True), {"function": lambda *_: maps})
    yield Subject(
        "Plan.of",
        al.Plan.of,
        {"environments": [spec], "methods": [method]},
        tuple(name for name in vars(plan) if name not in {"expanded", "code", "facts"}),
    )
    yield Subject("Plan.from_dict", al.Plan.from_dict, {"entries": plan.to_dict()})
    where = {"environment": spec, "method": method}
    yield Subject("records.of", _listed(records.of), where, (*where, "measure", "n_images"))
    yield Subject("records.scores", records.scores, where, (*where, "measure", "name"))
    yield Subject("records.all_scores", records.all_scores, where, (*where, "measure", "n_images"))
    yield Subject("records.curves", records.curves, {**where, "metric": "insertion"})
    yield Subject("records.maps", records.maps, where)
    yield Subject("records.summaries", records.summaries, {"by": "environment"})


def _options(make: Callable[..., Any], name: str) -> Callable[..., Any]:
    return lambda **options: make(name, **options)


def _listed(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **arguments: list(function(**arguments))


def _option_names(subject: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(subject) if not field.metadata.get("hidden")]


TOGETHER = 12
"""Calls that share a child, as a fork costs more than a call."""


@dataclass(frozen=True)
class Call:
    """A call to try.

    Args:
        label: How it is written.
        function: What is called.
        by_position: Arguments by position.
        arguments: Arguments by name.
        parameter: The parameter that is replaced.
        fits: Whether its value may be taken.
    """

    label: str
    function: Callable[..., Any]
    by_position: Sequence[Any]
    arguments: Mapping[str, Any]
    parameter: str
    fits: bool


class Api:
    """Makes cases of calls.

    Args:
        fixtures: A run and a plan.
    """

    def __init__(self, fixtures: Fixtures) -> None:
        self.fixtures = fixtures

    def cases(self, numbers: random.Random, n: int) -> list[Case]:
        """Every parameter with every hostile object, some calls to a child; fewer are a sample."""
        calls = list(self._calls())
        calls = numbers.sample(calls, min(n, len(calls)))
        return [_together(calls[first : first + TOGETHER]) for first in range(0, len(calls), TOGETHER)]

    def _calls(self) -> Iterator[Call]:
        objects = hostile_objects()
        for subject in subjects(self.fixtures.folder):
            signature = {} if subject.parameters is not None else dict(inspect.signature(subject.call).parameters)
            for parameter in subject.parameters or tuple(signature):
                of_function = signature.get(parameter)
                if of_function is not None and of_function.kind in {
                    of_function.VAR_KEYWORD,
                    of_function.VAR_POSITIONAL,
                }:
                    continue
                for hostile in objects:
                    if parameter == "exhaustive" and hostile.value is True:
                        continue  # right, and takes minutes
                    is_default = hostile.value is None and of_function is not None and of_function.default is None
                    arguments = {**subject.arguments, parameter: hostile.value}
                    by_position = [arguments.pop(name) for name in _positional_only(subject)]
                    fits = is_default or _fits(subject.name, parameter, hostile.value)
                    label = f"{subject.name}({parameter}={hostile.name})"
                    yield Call(label, subject.call, by_position, arguments, parameter, fits)
            label = f"{subject.name}(no_such_parameter=1)"
            yield Call(label, subject.call, [], {"no_such_parameter": 1}, "no_such_parameter", fits=True)


def _together(calls: Sequence[Call]) -> Case:
    """A case that makes calls one after the other; where one hangs or ends the process, the others are made again."""

    def action(answers: Path) -> None:
        with answers.open("w", encoding="utf-8") as file:
            for call in calls:
                signal.alarm(CALL_SECONDS)
                file.write(json.dumps(_answer(call.function, call.by_position, call.arguments)) + "\n")
                file.flush()

    def judge(outcome: Outcome) -> Iterator[Violation]:
        answers = outcome.answer.splitlines()
        for call, answer in zip(calls, answers, strict=False):
            for violation in _judged(json.loads(answer), call.parameter, fits=call.fits):
                cause = violation.cause or call.label.partition("(")[0]
                yield dataclasses.replace(violation, label=call.label, cause=cause)
        if len(answers) < len(calls):
            label, hung = calls[len(answers)].label, outcome.code == 128 + signal.SIGALRM
            if hung:
                yield Violation("hang", f"still running after {CALL_SECONDS} s", label=label)
            else:
                yield Violation(
                    "traceback", f"the process ended with {outcome.code}", f"exit {outcome.code}", label=label
                )

    def rest(outcome: Outcome) -> list[Case]:
        left = calls[len(outcome.answer.splitlines()) + 1 :]
        return [_together(left)] if left else []

    return Case(
        f"{len(calls)} calls",
        action=action,
        general=False,
        seconds=CALL_SECONDS * len(calls),
        judge=judge,
        rest=rest,
        n_tried=lambda outcome: min(len(calls), outcome.answer.count(b"\n") + 1),
    )


def _positional_only(subject: Subject) -> Sequence[str]:
    if ":" in subject.name or not subject.name.startswith("make_"):
        return ()
    signature = inspect.signature(subject.call).parameters
    return [
        name
        for name, parameter in signature.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY and name in subject.arguments
    ]


def _fits(subject: str, parameter: str, value: Any) -> bool:
    """Whether a value may be taken."""
    kind = FUNCTION_PARAMETERS.get(subject, {}).get(parameter) or PARAMETERS.get(parameter, "nothing")
    if ":" in subject:
        kind = {"n": "count"}.get(parameter, "loose")
    if subject == "make_environment" and parameter == "name":
        kind = "nothing"
    if kind == "loose":
        return not (isinstance(value, (Silent, Unequal)) or type(value) is object or value is int)
    try:
        return FITS[kind](value)
    except Exception:  # noqa: BLE001  # a hostile object
        return False


def _answer(call: Callable[..., Any], by_position: Sequence[Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a call did."""
    from attributionlab.errors import AttributionLabError  # noqa: PLC0415  # only in a child

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call(*by_position, **arguments)
        except BaseException as error:  # noqa: BLE001  # every one is an answer
            try:
                message = str(error)
            except BaseException:  # noqa: BLE001  # as above
                message = "(no text)"
            frames = [
                frame for frame in traceback.extract_tb(error.__traceback__) if "/attributionlab/" in frame.filename
            ]
            where = f"{frames[-1].filename.partition('/attributionlab/')[2]}:{frames[-1].name}" if frames else ""
            return {
                "type": type(error).__name__,
                "ours": isinstance(error, AttributionLabError),
                "message": message[:20_000],
                "where": where,
            }
    return {"type": None}


def _judged(answer: dict[str, Any], parameter: str, *, fits: bool) -> Iterator[Violation]:
    """A bad value is refused by an error of ours that names the parameter."""
    if answer["type"] in {None, "SkipTest"}:
        if not fits:
            yield Violation("accepted", "returned")
        return
    message = answer["message"]
    if not answer["ours"]:
        if fits and parameter in CALLBACKS:  # called as any callable; what it raises is its own
            return
        impossible = answer["type"] == "TypeError" and _CALL_IMPOSSIBLE.search(message) and not answer["where"]
        if not (impossible or (answer["type"] == "AssertionError" and (fits or parameter in RELATIONAL) and message)):
            detail = f"{answer['type']}: {message[:140]!r}"
            yield Violation("bare error", detail, f"{answer['type']} in {answer['where']}")
    else:
        if not fits and not any(f"`{name}`" in message for name in _names_of(parameter)):
            yield Violation("unnamed", f"{answer['type']}: {message[:140]!r}", answer["where"])
        if len(message) > 2_000:
            yield Violation("too long", f"a message of {len(message):,} characters", answer["where"])


def _names_of(parameter: str) -> tuple[str, ...]:
    """Names by which a message may call a parameter."""
    aliases = {
        "environments": ("environment", "spec"),
        "environment": ("spec",),
        "name": ("spec", "environment", "method", "metric"),
        "method": ("spec",),
        "methods": ("method", "spec"),
        "metric": ("spec",),
        "metrics": ("metric", "spec"),
        "path": ("plan",),
        "folder": ("output", "run"),
        "height": ("size",),
        "width": ("size",),
        "data_seed": ("seed",),
        "network_seed": ("seed",),
        "size": ("height",),
        "n_samples": ("n",),
        "no_such_parameter": ("option",),
        "entries": ("plan", "entry", "environments"),
    }
    return (parameter, *aliases.get(parameter, ()))
