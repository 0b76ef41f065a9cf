"""The option to segment by SAM, whose weights a user must bring."""

from __future__ import annotations

from typing import Any

from attributionlab.errors import bad_option
from attributionlab.machine import find_device
from attributionlab.methods.sam import sam_segmenter, weights_file
from attributionlab.papers.studies import StudySetting

NO_SAM = "needs SAM's weights: give --sam-checkpoint and --sam-model"


def sam_options(setting: StudySetting) -> dict[str, Any]:
    """The options `sam_checkpoint` and `sam_model` of LIME; empty without weights.

    Raises:
        BadOption: If a model is named without weights.
        MissingFile: If the file of weights does not exist.
    """
    names = ("sam_checkpoint", "sam_model")
    options = {name: setting.options[name] for name in names if name in setting.options}
    if "sam_model" in options and "sam_checkpoint" not in options:
        raise bad_option("sam_model", "go with --sam-checkpoint", options["sam_model"])
    if options:
        options["sam_checkpoint"] = str(weights_file(str(options["sam_checkpoint"])))
    return options


def check_weights(setting: StudySetting) -> None:
    """Refuse weights that cannot be loaded.

    Raises:
        BadOption: If the file does not hold the weights of this model, or SAM is not installed.
        MachineError: If torchvision does not fit torch, or there is no such device.
    """
    options = sam_options(setting)
    sam_segmenter(options["sam_checkpoint"], options.get("sam_model", "vit_h"), find_device(setting.device))
