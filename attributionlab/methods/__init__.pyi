from .adapters.adapting import adapt
from .base import AnyMethod, FunctionMethod, Method, context_for
from .bottleneck import Iba
from .cam import GradCam, GuidedGradCam
from .controls import Constant, Edge, Exact, Foreground, Input, Random, Truth
from .declaration import Declaration, MethodFunction, declares
from .deeplift import DeepLift, DeepShap
from .extremal import ExtremalPerturbation
from .factory import METHODS, make_method, register_method
from .gradients import Deconvnet, Gradient, GradientMagnitude, GuidedBackprop, InputXGradient, IntegratedGradients
from .occlusion import Occlusion
from .patterns import PatternAttribution, PatternNet
from .relevance import (
    DeepTaylor,
    LrpAlphaBeta,
    LrpEpsilon,
    LrpEpsilonAlpha2Beta1Flat,
    LrpEpsilonPlusFlat,
    LrpGamma,
    LrpZ,
)
from .rise import Rise
from .sampled import ExpectedGradients, SmoothGrad, SmoothGradSquared, VarGrad
from .segmenters import SEGMENTERS, register_segmenter
from .surrogate import KernelShap, Lime

__all__ = [
    "METHODS",
    "SEGMENTERS",
    "AnyMethod",
    "Constant",
    "Declaration",
    "Deconvnet",
    "DeepLift",
    "DeepShap",
    "DeepTaylor",
    "Edge",
    "Exact",
    "ExpectedGradients",
    "ExtremalPerturbation",
    "Foreground",
    "FunctionMethod",
    "GradCam",
    "Gradient",
    "GradientMagnitude",
    "GuidedBackprop",
    "GuidedGradCam",
    "Iba",
    "Input",
    "InputXGradient",
    "IntegratedGradients",
    "KernelShap",
    "Lime",
    "LrpAlphaBeta",
    "LrpEpsilon",
    "LrpEpsilonAlpha2Beta1Flat",
    "LrpEpsilonPlusFlat",
    "LrpGamma",
    "LrpZ",
    "Method",
    "MethodFunction",
    "Occlusion",
    "PatternAttribution",
    "PatternNet",
    "Random",
    "Rise",
    "SmoothGrad",
    "SmoothGradSquared",
    "Truth",
    "VarGrad",
    "adapt",
    "context_for",
    "declares",
    "make_method",
    "register_method",
    "register_segmenter",
]
