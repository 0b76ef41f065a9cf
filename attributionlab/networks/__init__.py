"""Networks whose weights are computed by hand, never trained. README.md beside this file has the notation and the proofs."""

from attributionlab.networks.accumulator import Accumulator
from attributionlab.networks.blocks import Block, Redundancy
from attributionlab.networks.color_detector import Color, ColorDetector
from attributionlab.networks.designed import DesignedNetwork, logits_of
from attributionlab.networks.dyadic import Bound, exact_arithmetic
from attributionlab.networks.first_block import FirstBlock
from attributionlab.networks.head import build_identity_head, build_reading_head
from attributionlab.networks.kernels import Kernels
from attributionlab.networks.modulo import build_modulo
from attributionlab.networks.number_checker import build_number_checker
from attributionlab.networks.variants import Activation, Residual, Structure, express

__all__ = [
    "Accumulator",
    "Activation",
    "Block",
    "Bound",
    "Color",
    "ColorDetector",
    "DesignedNetwork",
    "FirstBlock",
    "Kernels",
    "Redundancy",
    "Residual",
    "Structure",
    "build_identity_head",
    "build_modulo",
    "build_number_checker",
    "build_reading_head",
    "exact_arithmetic",
    "express",
    "logits_of",
]
