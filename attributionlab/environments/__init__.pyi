from .background_sum import BackgroundSum
from .base import Environment, NoClosedForm
from .claims import Case, Claim
from .counting import CountingEnvironment
from .factory import ENVIRONMENTS, complete_environment, make_environment, register_environment
from .images import ImageEnvironment
from .multi_color_sum import MultiColorSum
from .network_path import NetworkPath, explain_network
from .pretrained import Pretrained, pretrained
from .single_color_modulo import SingleColorModulo
from .single_color_sum import SingleColorSum
from .trained import TrainedNetwork
from .verification import Verification, verify

__all__ = [
    "ENVIRONMENTS",
    "BackgroundSum",
    "Case",
    "Claim",
    "CountingEnvironment",
    "Environment",
    "ImageEnvironment",
    "MultiColorSum",
    "NetworkPath",
    "NoClosedForm",
    "Pretrained",
    "SingleColorModulo",
    "SingleColorSum",
    "TrainedNetwork",
    "Verification",
    "complete_environment",
    "explain_network",
    "make_environment",
    "pretrained",
    "register_environment",
    "verify",
]
