"""Environments: network, scenes and the rule for the ground truth."""

from attributionlab.environments.base import Environment
from attributionlab.environments.factory import ENVIRONMENTS, complete_environment, make_environment
from attributionlab.environments.multi_color_sum import MultiColorSum
from attributionlab.environments.single_color_modulo import SingleColorModulo
from attributionlab.environments.single_color_sum import SingleColorSum
from attributionlab.environments.verification import Claim, Verification, verify
from attributionlab.truth.batch import Batch
from attributionlab.truth.ground_truth import GroundTruth

__all__ = [
    "ENVIRONMENTS",
    "Batch",
    "Claim",
    "Environment",
    "GroundTruth",
    "MultiColorSum",
    "SingleColorModulo",
    "SingleColorSum",
    "Verification",
    "complete_environment",
    "make_environment",
    "verify",
]
