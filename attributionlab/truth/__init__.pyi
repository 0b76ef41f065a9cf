from .batch import Batch, LabeledImages
from .ground_truth import GroundTruth
from .kinds import GAMES, TRUTHS
from .maps import attribution_maps, check_targets, describe_tensor
from .set_functions import CountedSetFunction, LinearSetFunction, SetFunction, SoftmaxSetFunction
from .values import ExactValues

__all__ = [
    "GAMES",
    "TRUTHS",
    "Batch",
    "CountedSetFunction",
    "ExactValues",
    "GroundTruth",
    "LabeledImages",
    "LinearSetFunction",
    "SetFunction",
    "SoftmaxSetFunction",
    "attribution_maps",
    "check_targets",
    "describe_tensor",
]
