"""Environments: network, scenes and the rule for the ground truth."""

from attributionlab.environments.base import Environment, NoClosedForm
from attributionlab.environments.claims import Case, Claim
from attributionlab.environments.counting import CountingEnvironment
from attributionlab.environments.factory import ENVIRONMENTS, complete_environment, make_environment
from attributionlab.environments.images import ImageEnvironment
from attributionlab.environments.multi_color_sum import MultiColorSum
from attributionlab.environments.single_color_modulo import SingleColorModulo
from attributionlab.environments.single_color_sum import SingleColorSum
from attributionlab.environments.trained import TrainedNetwork
from attributionlab.environments.verification import Verification, verify

__all__ = [
    "ENVIRONMENTS",
    "Case",
    "Claim",
    "CountingEnvironment",
    "Environment",
    "ImageEnvironment",
    "MultiColorSum",
    "NoClosedForm",
    "SingleColorModulo",
    "SingleColorSum",
    "TrainedNetwork",
    "Verification",
    "complete_environment",
    "make_environment",
    "verify",
]
