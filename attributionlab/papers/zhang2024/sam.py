"""The option to segment by SAM, whose weights a user must bring."""

from __future__ import annotations

from typing import Any

from attributionlab.machine import find_device
from attributionlab.methods.sam import sam_segmenter
from attributionlab.papers.studies import StudySetting

NO_SAM = "needs SAM's weights: give --sam-checkpoint and --sam-model"


def sam_options(setting: StudySetting) -> dict[str, Any]:
    """The options `sam_checkpoint` and `sam_model` of LIME; empty without weights."""
    names = ("sam_checkpoint", "sam_model")
    return {name: setting.options[name] for name in names if name in setting.options}


def check_weights(setting: StudySetting) -> None:
    """Refuse weights that cannot be loaded.

    Raises:
        BadOption: If the file does not hold the weights of this model, or SAM is not installed.
        MachineError: If torchvision does not fit torch, or there is no such device.
    """
    options = sam_options(setting)
    sam_segmenter(options["sam_checkpoint"], options.get("sam_model", "vit_h"), find_device(setting.device))
