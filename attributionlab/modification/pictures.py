"""Pictures by class, and the modified data sets that are made of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from attributionlab.errors import BadOption, bad_option
from attributionlab.modification.factory import make_manipulation
from attributionlab.modification.labels import (
    Labels,
    Matrix,
    accuracy_bound,
    reassign_labels,
    reassignment_matrix,
    require_labels,
)
from attributionlab.modification.manipulation import Manipulation, ManipulationFunction, Mask, Pixels
from attributionlab.modification.regions import joint_region, region_warnings, require_apart
from attributionlab.seeding import generator
from attributionlab.specs.arguments import require_instance, require_list, require_text, whole_number

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

TRAIN, VALIDATION = 0.7, 0.1
"""Shares of the pictures for training, and for deciding when to stop; the rest tests."""

FEWEST = 10
"""Fewest pictures of a data set: each split has at least one."""


MOST_BYTES = 2_000_000_000
"""Largest size of all pictures in memory."""


def check_memory(n: int, height: int, width: int) -> None:
    """Refuse more pictures than fit into memory.

    Raises:
        BadOption: If they need more than 2 GB.
    """
    if 3 * n * height * width > MOST_BYTES:
        hint = "give a smaller size or fewer of them"
        raise bad_option("pictures", f"need at most {MOST_BYTES / 1e9:g} GB", f"{n} of {width}x{height}", hint)


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one size by class.

    Args:
        values: (n, h, w, 3) uint8.
        labels: (n,) int64, indices of classes.
        classes: Names of the classes, at least two, each with a picture.
        sources: Where each picture comes from; empty if unknown.
    """

    values: Pixels
    labels: Labels
    classes: tuple[str, ...]
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        values = self.values
        if not isinstance(values, np.ndarray) or values.dtype != np.uint8 or values.ndim != 4 or values.shape[3] != 3:
            kind = f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
            raise BadOption(f"`values` must be uint8 of shape (n, h, w, 3), got {kind}")
        for name in require_list("classes", self.classes, "names"):
            require_text("classes", name)
        if len(self.classes) < 2:
            raise bad_option("classes", "be at least two", list(self.classes))
        if len(set(self.classes)) < len(self.classes):
            raise bad_option("classes", "have different names", list(self.classes))
        labels = require_labels("labels", self.labels, len(self.classes))
        if len(labels) != len(values):
            raise bad_option("labels", f"be {len(values)}, one per picture", len(labels))
        for index, name in enumerate(self.classes):
            if not (labels == index).any():
                raise bad_option("classes", "have pictures each", name, "it has none")
        if len(self.sources) not in (0, len(values)):
            raise bad_option("sources", f"be {len(values)}, one per picture, or none", len(self.sources))

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.values)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.values.shape[1], self.values.shape[2]


@dataclass(frozen=True, eq=False)
class ModifiedPictures:
    """Pictures whose new labels only a manipulation predicts.

    Args:
        originals: The pictures before.
        values: (n, h, w, 3) uint8, the pictures after.
        labels: (n,) int64, the new labels.
        matrix: R, (k, k).
        manipulations: The manipulation of each new class.
        noninformative: A manipulation that is independent of the label, or None.
        has_noninformative: (n,) bool: the pictures that have it.
        seed: Seed of the labels, the manipulations and the splits.
    """

    originals: Pictures
    values: Pixels
    labels: Labels
    matrix: Matrix
    manipulations: tuple[Manipulation, ...]
    noninformative: Manipulation | None
    has_noninformative: npt.NDArray[np.bool_]
    seed: int

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.values)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.originals.classes

    @property
    def accuracy_bound(self) -> float:
        """p*, which a classifier cannot be expected to beat without the manipulation."""
        return accuracy_bound(self.matrix)

    @cached_property
    def region(self) -> Mask:
        """The joint effective region F_C, bool (h, w)."""
        return joint_region(self.manipulations, *self.originals.size)

    @cached_property
    def noninformative_region(self) -> Mask:
        """The region F_N of the manipulation without information, bool (h, w); empty without one."""
        if self.noninformative is None:
            return np.zeros(self.originals.size, dtype=np.bool_)
        return self.noninformative.region(*self.originals.size)

    @property
    def reassign(self) -> float | None:
        """r, if R is that of a single probability; else None."""
        r = float(self.matrix[0, 0])
        return r if np.array_equal(self.matrix, reassignment_matrix(r, len(self.matrix))) else None

    @cached_property
    def splits(self) -> tuple[Split, ...]:
        """The split of each picture, a function of the seed and the number of pictures."""
        n = len(self)
        n_train = min(max(1, round(TRAIN * n)), n - 2)
        n_validation = min(max(1, round(VALIDATION * n)), n - n_train - 1)
        order = generator(self.seed, "splits").permutation(n)
        names: list[Split] = ["test"] * n
        for place, index in enumerate(order):
            if place < n_train + n_validation:
                names[index] = "train" if place < n_train else "validation"
        return tuple(names)

    def rows(self, split: Split) -> npt.NDArray[np.int64]:
        """Indices of the pictures of a split, in order."""
        return np.array([index for index, name in enumerate(self.splits) if name == split], dtype=np.int64)

    def version(self, index: int, label: int) -> Pixels:
        """Picture `index` as it would be in class `label`: (h, w, 3), with the same draws for everything else.

        Raises:
            BadOption: If the manipulation cannot be applied again.
        """
        if int(self.labels[index]) == label:
            own: Pixels = self.values[index]
            return own
        return _modified(
            self.originals.values[index],
            self.manipulations[label],
            self.noninformative if self.has_noninformative[index] else None,
            self.seed,
            index,
        )

    def at_level(self, level: float) -> ModifiedPictures:
        """The data set with all manipulations that have levels at another visibility; labels and draws are the same.

        Raises:
            BadOption: If no manipulation has levels.
        """
        changed = tuple(each if each.visibility is None else each.at_level(level) for each in self.manipulations)
        if all(each.visibility is None for each in self.manipulations):
            specs = ", ".join(each.spec for each in self.manipulations)
            raise bad_option("manipulation", "have levels of visibility", specs)
        return _rebuilt(replace(self, manipulations=changed))

    def reassigned(self, reassign: object) -> ModifiedPictures:
        """The data set with another r or R."""
        matrix = reassignment_matrix(reassign, len(self.classes))
        labels = reassign_labels(self.originals.labels, matrix, n_classes=len(self.classes), seed=self.seed)
        return _rebuilt(replace(self, matrix=matrix, labels=labels))


def modify(
    pictures: Pictures,
    manipulations: str | Manipulation | ManipulationFunction | Sequence[str | Manipulation | ManipulationFunction],
    *,
    reassign: object = 0.5,
    noninformative: str | Manipulation | ManipulationFunction | None = None,
    seed: int = 0,
) -> ModifiedPictures:
    """Reassign labels, and manipulate each picture according to its new label.

    Every draw is a function of the seed and the picture's index.

    Args:
        pictures: The pictures by class.
        manipulations: One manipulation per class, in their order. With two classes, a single one is that of the second class, and
            pictures of the first are left alone.
        reassign: The probability r of keeping a label, or the matrix R; see `reassignment_matrix`.
        noninformative: A manipulation that half of the pictures get, independently of the label. Its region must not overlap with the others.
        seed: Seed.

    Returns:
        The modified data set.

    Raises:
        BadOption: If an argument is not valid, a class has no pictures left, or a function changes pixels outside of its region.
        UnknownName: If there is no such manipulation.

    Warns:
        UserWarning: If the joint region is empty or the whole picture.

    References:
        Zhou et al. 2022, section 4.
    """
    require_instance("pictures", pictures, Pictures, "be Pictures")
    if len(pictures) < FEWEST:
        raise bad_option("pictures", f"be at least {FEWEST}", len(pictures), "some train, some validate, some test")
    per_class = _per_class(manipulations, len(pictures.classes))
    matrix = reassignment_matrix(reassign, len(pictures.classes))
    seed = whole_number("seed", seed, 0)
    labels = reassign_labels(pictures.labels, matrix, n_classes=len(pictures.classes), seed=seed)
    for index, name in enumerate(pictures.classes):
        if not (labels == index).any():
            hint = "it takes another matrix, more pictures or another seed"
            raise bad_option("reassign", "leave pictures in every class", f"none in {name}", hint)
    region = joint_region(per_class, *pictures.size)
    for text in region_warnings(per_class, region):
        warnings.warn(text, UserWarning, stacklevel=2)
    extra = None if noninformative is None else make_manipulation(noninformative)
    if extra is not None:
        require_apart(region, extra)
    has_extra = np.array(
        [extra is not None and _has_extra(seed, index) for index in range(len(pictures))], dtype=np.bool_
    )
    return _rebuilt(ModifiedPictures(pictures, pictures.values, labels, matrix, per_class, extra, has_extra, seed))


def _per_class(manipulations: object, n_classes: int) -> tuple[Manipulation, ...]:
    """The manipulation of each class.

    Raises:
        BadOption: If their number does not fit the number of classes.
    """
    items: list[Any] = list(manipulations) if isinstance(manipulations, (list, tuple)) else [manipulations]
    if len(items) == 1 and n_classes == 2:
        items = ["blank", *items]
    if len(items) != n_classes:
        alternative = " (or a single one, for the second class)" if n_classes == 2 else ""
        hint = "`blank` changes nothing"
        raise bad_option("manipulation", f"be {n_classes}, one per class{alternative}", len(items), hint)
    return tuple(make_manipulation(item) for item in items)


def _has_extra(seed: int, index: int) -> bool:
    """Whether a picture has the manipulation without information: a fair coin."""
    return bool(generator(seed, "noninformative", index).random() < 0.5)


def _rebuilt(modified: ModifiedPictures) -> ModifiedPictures:
    """The data set with pictures made anew from the originals."""
    values = np.stack(
        [
            _modified(
                picture,
                modified.manipulations[label],
                modified.noninformative if modified.has_noninformative[index] else None,
                modified.seed,
                index,
            )
            for index, (picture, label) in enumerate(zip(modified.originals.values, modified.labels, strict=True))
        ]
    )
    return replace(modified, values=values)


def _modified(picture: Pixels, manipulation: Manipulation, extra: Manipulation | None, seed: int, index: int) -> Pixels:
    """A manipulated copy of a picture."""
    changed = manipulation.apply(picture, generator(seed, "manipulation", index))
    return changed if extra is None else extra.apply(changed, generator(seed, "extra manipulation", index))
