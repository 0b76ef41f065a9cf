"""Attr% of methods on networks that were trained on modified pictures: the four questions of Zhou et al. 2022, section 5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attributionlab.errors import BelowBound
from attributionlab.machine import find_device
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import AnyMethod
from attributionlab.modification.attr_report import QUESTIONS, AttrReport, Question
from attributionlab.modification.attr_study import KEPT, AttrStudy
from attributionlab.modification.explaining import check_options
from attributionlab.modification.networks import ModelFactory, small_resnet
from attributionlab.modification.pictures import ModifiedPictures
from attributionlab.modification.training import budget
from attributionlab.specs.arguments import MOST_IMAGES, require_choice, require_list, require_mapping, whole_number
from attributionlab.training.loop import MOST_CHECKPOINTS


def attr_percent(
    data: Mapping[str, ModifiedPictures],
    methods: Sequence[AnyMethod],
    *,
    factory: ModelFactory = small_resnet,
    questions: Sequence[Question] = ("attributions",),
    n_per_class: int = 16,
    n_epochs: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress = no_progress,
) -> AttrReport:
    """Train networks on modified pictures, and measure which share of each method's maps lies in the joint effective region.

    A network that is more accurate than p* uses the manipulation, so that a method whose maps lie elsewhere misleads. The
    expectation Attr% = 1 is no exact truth: pixels outside may serve as a reference (`reference_network`).

    Args:
        data: Modified pictures by name.
        methods: The methods.
        factory: `(n_classes) -> network`, (b, 3, h, w) with colors 0..255 to (b, k) logits.
        questions: `attributions`, always asked: Attr% against %ER (5.1). `accuracy`: also on the way of the training (5.2). `visibility`: at each level of the
            manipulation (5.3). `correlation`: for r from 0.5 to 1 (5.4). All but `accuracy` train networks of their own.
        n_per_class: Largest number of test pictures to explain in each class.
        n_epochs: Most epochs; by default what the manipulations need; 0 for networks that are trained already.
        seed: Seed of weights and of the order of pictures.
        device: `auto`, `cpu` or `cuda`.
        progress: Called with the amount of work done since the last call, of `amount_of_work`.

    Returns:
        The report.

    Raises:
        BelowBound: If no network of the first question beats p*; the message has the accuracies and the probabilities of luck.
        BadOption: If an argument is not valid, or the network raises.

    References:
        Zhou et al. 2022, section 5.
    """
    study = AttrStudy(
        data=require_mapping("data", data, "modified pictures by name"),
        methods=tuple(methods),
        factory=factory,
        questions=_in_order(questions),
        n_per_class=whole_number("n_per_class", n_per_class, 1, MOST_IMAGES),
        n_epochs=n_epochs,
        seed=whole_number("seed", seed, 0),
        device=find_device(device),
        progress=progress,
    )
    study.check()
    check_options(study.methods, factory, next(iter(data.values())))
    for name, pictures in data.items():
        study.explain_data(name, pictures)
    if not study.points:
        problems = "; ".join(f"{network.data}: {network.test}" for network in study.networks)
        hint = "more epochs or a more visible manipulation may help"
        raise BelowBound(f"`model` must beat p* for a verdict, got {problems}; {hint}")
    for name, pictures in data.items():
        for question in ("visibility", "correlation"):
            if question in study.questions:
                study.ask(question, name, pictures)
    return AttrReport(study.questions, tuple(study.networks), tuple(study.points), study.failures, study.examples)


def _in_order(questions: Sequence[Question]) -> tuple[Question, ...]:
    """The questions in their own order; the first is always asked.

    Raises:
        BadOption: If one does not exist.
    """
    for question in require_list("questions", questions, "questions"):
        require_choice("questions", question, QUESTIONS)
    return tuple(question for question in QUESTIONS if question in questions or question == QUESTIONS[0])


def amount_of_work(
    data: Mapping[str, ModifiedPictures],
    n_methods: int,
    questions: Sequence[Question],
    n_per_class: int,
    n_epochs: int | None,
) -> int:
    """An upper bound of what `attr_percent` reports as progress: epochs of training, and maps."""
    total = 0
    for pictures in data.values():
        epochs = budget(pictures) if n_epochs is None else n_epochs
        explained = n_methods * min(n_per_class * len(pictures.classes), len(pictures))
        levels = max((len(each.visibility.levels) for each in pictures.manipulations if each.visibility), default=0)
        total += epochs + explained * (1 + MOST_CHECKPOINTS * ("accuracy" in questions))
        total += ("visibility" in questions) * levels * (epochs + explained)
        total += ("correlation" in questions) * (len(KEPT) * (epochs + explained) + epochs)
    return total
