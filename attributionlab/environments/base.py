"""Environment: scenes, a network, and the exact truth about the effect of each feature on the explained output."""

from __future__ import annotations

import abc
import copy
import dataclasses
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple, Self, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from attributionlab.environments.claims import Case, Claim
from attributionlab.environments.members import call, read_explains, read_label, read_network
from attributionlab.environments.samples import coalition_function, make_batch, make_ground_truth, show
from attributionlab.errors import AttributionLabError, bad_option
from attributionlab.machine import torch_device
from attributionlab.networks.copying import copy_network
from attributionlab.specs.arguments import MOST_IMAGES, whole_number
from attributionlab.specs.grammar import format_spec
from attributionlab.specs.options import changed_options
from attributionlab.truth.batch import Batch
from attributionlab.truth.explained import Explained, explained_output, output_difference
from attributionlab.truth.ground_truth import GroundTruth
from attributionlab.truth.set_functions import SetFunction

Target = Literal["winner", "loser"] | int
Logits = npt.NDArray[np.float64]
Present = npt.NDArray[np.bool_]


class Counterpart(NamedTuple):
    """Another network for the input of a scene, and the truth about it.

    Args:
        network: (1, c, *shape) to (1, k), of the same architecture.
        truth: The truth of the input under this network, for the same output index; one sample.
    """

    network: nn.Module
    truth: GroundTruth


class NoClosedForm(AttributionLabError, NotImplementedError):
    """An environment without a closed form of its network's function."""


@dataclass(frozen=True, kw_only=True)
class Environment(abc.ABC):
    """A network, scenes, and the exact truth about the effect of each feature on the explained output.

    A feature is a pixel, a token or a column: inputs are (b, c, *shape), maps and truth (b, *shape). This class assumes
    no geometry; `ImageEnvironment` adds that of images. Options of scenes never depend on options of the network, so two
    networks can share their scenes.

    A subclass is a frozen dataclass whose fields are its options. It must have a `name`, a one-line `summary` and the
    abstract members. It should have `logits`, the network's function written in plain NumPy from the task, so that `verify`
    can compare the two and exact values of every feature can be computed. It may add `claims` and `variants`.

    Args:
        data_seed: Seed of the scenes.
        network_seed: Seed of the random weights.
    """

    data_seed: int = 0
    network_seed: int = 0

    name: ClassVar[str]
    summary: ClassVar[str]
    shorthands: ClassVar[Mapping[str, tuple[str, ...]]] = {"seed": ("data_seed", "network_seed")}
    """Names that set several options to the same integer."""

    has_smooth_truth: ClassVar[bool] = False
    """Whether the truth has a smooth form, for methods that are coarse by construction."""

    tolerance: ClassVar[float] = 0.0
    """Largest difference between the network's logits and `logits`, relative to 1 + |logits|; 0 if both are exact."""

    tolerance_reason: ClassVar[str] = ""
    """Reason why the network is not exact, if `tolerance` is above 0."""

    def __post_init__(self) -> None:
        same = self.data_seed == self.network_seed
        seeds = {"seed": self.data_seed} if same else {"data_seed": self.data_seed, "network_seed": self.network_seed}
        for option, value in seeds.items():
            whole_number(option, value, 0)

    @abc.abstractmethod
    def scene(self, index: int) -> Any:
        """Scene `index`, independent of earlier calls: the description of an input, in any form."""

    @abc.abstractmethod
    def inputs_of(self, scene: Any) -> npt.NDArray[np.generic]:
        """(c, *shape): the network's input for a scene."""

    @abc.abstractmethod
    def signed_truth(self, scene: Any) -> npt.NDArray[np.int8]:
        """(*shape): +1 where a feature raises the explained output, -1 where it lowers it, 0 where it does not affect it."""

    @abc.abstractmethod
    def label(self, scene: Any) -> int:
        """The winning class, or the correct output of a regression."""

    def predicted(self, scene: Any) -> int:
        """The class that the network predicts, or the output of a regression: the label, unless the environment has a bug."""
        return read_label(self, scene)

    @abc.abstractmethod
    def build_network(self) -> nn.Module:
        """The network with its weights written: (b, c, *shape) to (b, k); with a method `logits` if it ends in a softmax."""

    @property
    @abc.abstractmethod
    def explains(self) -> Explained:
        """Explained output: the `probability` or `logit` of a class, or the `value` of a regression."""

    @property
    @abc.abstractmethod
    def true_baseline(self) -> Tensor:
        """(c,) float32: the value of each channel that stands for an absent feature."""

    @property
    def input_range(self) -> tuple[float, float] | None:
        """Smallest and largest value of an input; None if inputs have no bounds."""
        return None

    def logits(self, scene: Any, present: Present) -> Logits:  # noqa: ARG002  # subclasses read both
        """Logits when only the `present` features are shown and all others are at the true baseline.

        Plain NumPy, written from the task and not from the network.

        Args:
            scene: A scene of this environment.
            present: (*shape) bool.

        Returns:
            (k,) float64.

        Raises:
            NoClosedForm: If there is no closed form; `has_logits` is then False.
        """
        raise NoClosedForm(f"`environment` must have its function in closed form, got {self.spec!r}")

    @property
    def has_logits(self) -> bool:
        """Whether `logits` are known in closed form; a member of its own may say so for some options only."""
        return type(self).logits is not Environment.logits

    @property
    def explainable(self) -> tuple[Explained, ...]:
        """Outputs whose truth is known: the explained one first. Methods that explain the logit are judged by the logit's."""
        return (self.explains,)

    def target_of(self, scene: Any, target: Target) -> int:
        """Index of the output that `target` names for a scene.

        Args:
            scene: A scene of this environment.
            target: `winner`; environments with several classes also know `loser` and the index of a class.

        Raises:
            BadOption: If the environment has no truth for that output.
        """
        if target != "winner":
            raise bad_option("target", "be winner", target, f"{self.name} has no truth for other outputs")
        return 0 if read_explains(self) == "value" else read_label(self, scene, "predicted")

    @property
    def has_targets(self) -> bool:
        """Whether outputs other than the winner's have a known truth."""
        return type(self).target_of is not Environment.target_of

    def signed_truth_of(self, scene: Any, target: int, explained: Explained) -> npt.NDArray[np.int8]:  # noqa: ARG002  # as above
        """`signed_truth` for another output: class `target` of those that `target_of` can name, `explained` one of `explainable`."""
        return self.signed_truth(scene)

    @final
    def explained(self, logits: Logits, target: int) -> float:
        """The explained output that follows from logits (k,)."""
        return float(explained_output(logits, target, self.explains))

    @final
    def difference(self, before: Logits, after: Logits, target: int) -> float:
        """Increase of the explained output from the logits `before` to the logits `after`, each (k,).

        It follows from the change of the odds, so that effects of classes far behind are not rounded to 0.
        """
        return float(output_difference(before, after, target, self.explains))

    def set_function(self, scene: Any, target: int, baseline: tuple[float, ...]) -> SetFunction | None:
        """v(S): the explained output in closed form while only the features in S are shown and the others are at a baseline.

        By default it is built from `logits`, with every feature a kind of its own. An environment whose features are
        exchangeable says so by a set function of its own, so that large inputs have exact values.

        Args:
            scene: A scene of this environment.
            target: Index of the explained output.
            baseline: (c,): the value of each channel of an absent feature.

        Returns:
            The set function; None if there is no closed form for this baseline.
        """
        return coalition_function(self, scene, target, baseline)

    def counterpart(self, scene: Any, explained: Explained | None = None) -> Counterpart | None:  # noqa: ARG002  # as above
        """Another designed network for the same input and output index that uses other features, with their truth.

        A map that does not change with the network cannot be right about both.

        Args:
            scene: A scene of this environment.
            explained: One of `explainable`, for the truth; by default what the environment explains.

        Returns:
            The network and the truth; None if there is none that also coarse methods can tell from the environment's own.
        """
        return None

    @property
    def has_counterpart(self) -> bool:
        """Whether there are counterparts."""
        return type(self).counterpart is not Environment.counterpart

    def changed(self, **options: object) -> Self:
        """A copy with other options, without the warnings that this environment has already given."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dataclasses.replace(self, **options)  # type: ignore[arg-type]  # options of the class

    def claims(self, case: Case) -> Iterator[Claim]:  # noqa: ARG002  # subclasses test it
        """Claims specific to this environment, tested on a case; `verify` adds the generic ones."""
        yield from ()

    def variants(self) -> Iterator[Environment]:
        """Environments whose networks compute the same function, bit for bit, with other modules."""
        yield from ()

    def unfamiliar_inputs(self, n: int) -> Tensor | None:  # noqa: ARG002  # as above
        """(n, c, *shape): inputs outside of the design domain on which arithmetic is exact as well; None if there are none."""
        return None

    def describe_scene(self, scene: Any) -> dict[str, Any]:  # noqa: ARG002  # as above
        """Facts about a scene for the manifest of a data set, as JSON."""
        return {}

    def counted(self, scene: Any) -> dict[str, int]:  # noqa: ARG002  # as above
        """Numbers that decide the answer to a scene, by name, for captions: for example the pixels of each color."""
        return {}

    def output_name(self, index: int) -> str:
        """Name of an output, for captions."""
        return f"class {index}"

    def prove(self) -> None:  # noqa: B027  # most environments accept all options
        """Refuse options for which the network would not be exact, without building it.

        `make_environment` calls it, so that such options are refused there.
        """

    @property
    def has_negative_truth(self) -> bool:
        """Whether features can lower the explained output, so that maps are compared with those that do."""
        return True

    @property
    def ranking(self) -> Literal["signed", "magnitude"]:
        """Order of features in perturbation metrics: by value, or by magnitude if signs carry no information."""
        return "signed"

    @property
    def output_per_feature(self) -> float | None:
        """Contribution of each positive feature to the explained output, if no other feature contributes; else None."""
        return None

    @cached_property
    def model(self) -> nn.Module:
        """The network, in evaluation mode."""
        return read_network(self).eval()

    def to(self, device: torch.device | str) -> Self:
        """A copy of the environment with its network on another device.

        Raises:
            BadOption: If torch knows no such device.
            MachineError: If this machine does not have it.
        """
        device = torch_device(device)
        copied = copy.copy(self)
        vars(copied)["model"] = copy_network(self.model).to(device)  # cached_property stores it there
        return copied

    @property
    def spec(self) -> str:
        """The canonical spec: name and the options that differ from the defaults, sorted."""
        options = changed_options(self)
        for shorthand, names in self.shorthands.items():
            values = {getattr(self, name) for name in names}
            if len(values) == 1 and any(name in options for name in names):
                options = {name: value for name, value in options.items() if name not in names}
                options[shorthand] = values.pop()
        return format_spec(self.name, options)

    @property
    def most_samples(self) -> int:
        """Largest number of samples in one batch."""
        return MOST_IMAGES

    def sample(self, n: int, start: int = 0, *, target: Target = "winner") -> Batch:
        """Samples `start` to `start + n - 1`; each is independent of the batch and the machine.

        Args:
            n: Number of samples.
            start: Index of the first one.
            target: Explained output: that of the `winner`, the `loser` (the class with the smallest output) or a class by its index.
                The truth follows it.

        Raises:
            BadOption: If `n` is not an integer from 1 to `most_samples`, `start` is not an integer from 0, or `target` is no output
                with a known truth.
            BrokenEnvironment: If a member raises an exception, or returns something else than it must.
        """
        n = whole_number("n", n, 1, self.most_samples, "one batch would fill the memory")
        start = whole_number("start", start, 0)
        scenes = tuple(call(self, "scene", self.scene, index) for index in range(start, start + n))
        return self.batch(scenes, target=target)

    def batch(self, scenes: tuple[Any, ...], *, target: Target = "winner") -> Batch:
        """The inputs of these scenes and their truth.

        Raises:
            BadOption: If `scenes` is not a list of at least one, or `target` is no output with a known truth.
            BrokenEnvironment: If a member raises an exception, or returns something else than it must.
        """
        return make_batch(self, scenes, target)

    def ground_truth(
        self, scenes: Sequence[Any], targets: Sequence[int] | None = None, explained: Explained | None = None
    ) -> GroundTruth:
        """The truth of these scenes.

        Args:
            scenes: Scenes of this environment.
            targets: Index of the explained output of each; by default the winner's.
            explained: One of `explainable`; by default what the environment explains.
        """
        return make_ground_truth(self, scenes, targets, explained)

    def shown(self, inputs: Tensor, present: Tensor) -> Tensor:
        """(b, c, *shape): `inputs` with every feature that is not `present` (b, *shape) at the true baseline."""
        return show(self, inputs, present)
