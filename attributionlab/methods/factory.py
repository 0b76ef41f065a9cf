"""The catalog of methods, and the way from a spec, a function or an address to a method. Nothing here imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attributionlab.specs.catalog import Catalog
from attributionlab.specs.rules import Rules

if TYPE_CHECKING:
    from attributionlab.environments.base import Environment
    from attributionlab.methods.base import AnyMethod, Method, MethodFunction

METHODS: Catalog[type[Method] | MethodFunction] = Catalog(
    kind="method",
    built_in={
        "gradient": "attributionlab.methods.gradients:Gradient",
        "gradient-magnitude": "attributionlab.methods.gradients:GradientMagnitude",
        "input-x-gradient": "attributionlab.methods.gradients:InputXGradient",
        "smoothgrad": "attributionlab.methods.sampled:SmoothGrad",
        "smoothgrad-squared": "attributionlab.methods.sampled:SmoothGradSquared",
        "vargrad": "attributionlab.methods.sampled:VarGrad",
        "integrated-gradients": "attributionlab.methods.gradients:IntegratedGradients",
        "expected-gradients": "attributionlab.methods.sampled:ExpectedGradients",
        "guided-backprop": "attributionlab.methods.gradients:GuidedBackprop",
        "deconvnet": "attributionlab.methods.gradients:Deconvnet",
        "deeplift": "attributionlab.methods.deeplift:DeepLift",
        "deepshap": "attributionlab.methods.deeplift:DeepShap",
        "lrp-epsilon": "attributionlab.methods.relevance:LrpEpsilon",
        "lrp-z": "attributionlab.methods.relevance:LrpZ",
        "lrp-alpha-beta": "attributionlab.methods.relevance:LrpAlphaBeta",
        "lrp-epsilon-plus-flat": "attributionlab.methods.relevance:LrpEpsilonPlusFlat",
        "lrp-epsilon-alpha2-beta1-flat": "attributionlab.methods.relevance:LrpEpsilonAlpha2Beta1Flat",
        "deep-taylor": "attributionlab.methods.relevance:DeepTaylor",
        "pattern-net": "attributionlab.methods.patterns:PatternNet",
        "pattern-attribution": "attributionlab.methods.patterns:PatternAttribution",
        "gradcam": "attributionlab.methods.cam:GradCam",
        "guided-gradcam": "attributionlab.methods.cam:GuidedGradCam",
        "iba": "attributionlab.methods.bottleneck:Iba",
        "occlusion": "attributionlab.methods.occlusion:Occlusion",
        "rise": "attributionlab.methods.rise:Rise",
        "extremal-perturbation": "attributionlab.methods.extremal:ExtremalPerturbation",
        "lime": "attributionlab.methods.surrogate:Lime",
        "kernel-shap": "attributionlab.methods.surrogate:KernelShap",
        "random": "attributionlab.methods.controls:Random",
        "constant": "attributionlab.methods.controls:Constant",
        "edge": "attributionlab.methods.controls:Edge",
        "input": "attributionlab.methods.controls:Input",
        "truth": "attributionlab.methods.controls:Truth",
    },
    rules=Rules(
        base="attributionlab.methods.base:Method",
        facts={"declaration": "attributionlab.methods.base:Declaration"},
        wrapper="attributionlab.methods.base:FunctionMethod",
        signature="(model, inputs, targets) -> Tensor",
    ),
    aliases={
        "ablation": ("occlusion",),
        "backprop": ("gradient",),
        "dconv": ("deconvnet",),
        "deconv": ("deconvnet",),
        "deconvolution": ("deconvnet",),
        "deepliftshap": ("deepshap",),
        "deeptaylordecomposition": ("deep-taylor",),
        "dtd": ("deep-taylor",),
        "eg": ("expected-gradients",),
        "experturb": ("extremal-perturbation",),
        "extremalperturbations": ("extremal-perturbation",),
        "featureablation": ("occlusion",),
        "gbp": ("guided-backprop",),
        "ggc": ("guided-gradcam",),
        "grad": ("gradient",),
        "gradientshap": ("expected-gradients",),
        "gradxinput": ("input-x-gradient",),
        "gradientxinput": ("input-x-gradient",),
        "guidedbackpropagation": ("guided-backprop",),
        "gxi": ("input-x-gradient",),
        "ig": ("integrated-gradients",),
        "informationbottleneck": ("iba",),
        "intgrad": ("integrated-gradients",),
        "ixg": ("input-x-gradient",),
        "ks": ("kernel-shap",),
        "layergradcam": ("gradcam",),
        "layerwiserelevancepropagation": ("lrp-epsilon", "lrp-z", "lrp-alpha-beta"),
        "lrp": ("lrp-epsilon", "lrp-z", "lrp-alpha-beta"),
        "meaningfulperturbation": ("extremal-perturbation",),
        "noisetunnel": ("smoothgrad", "smoothgrad-squared", "vargrad"),
        "saliency": ("gradient-magnitude", "gradient"),
        "sg": ("smoothgrad",),
        "sgsq": ("smoothgrad-squared",),
        "shap": ("kernel-shap", "deepshap"),
        "shapley": ("kernel-shap", "deepshap"),
        "shapleyvalues": ("kernel-shap",),
        "shapleyvaluesampling": ("kernel-shap",),
        "sobel": ("edge",),
        "vanillagradient": ("gradient",),
        "vg": ("vargrad",),
    },
)
"""All methods: captum's class names and usual abbreviations are understood in hints."""

register_method = METHODS.register


def make_method(
    method: str | AnyMethod | MethodFunction, environment: Environment | None = None, /, **options: object
) -> AnyMethod:
    """Build a method from its name or spec, or wrap a function.

    Args:
        method: A registered name or spec (`integrated-gradients[baseline=true]`), a method or its class, a function
            `(model, inputs, targets) -> Tensor`, or its address: `package.module:function`, `file.py:function`.
        environment: The environment in which it is used; methods ask it for the true baseline.
        **options: Options of the method.

    Raises:
        UnknownName: If there is no such method or option.
        BadOption: If a value does not fit or contradicts the spec, or a function is given options.
        MissingFile: If the module, file or function does not exist.

    Example:
        >>> make_method("integrated-gradients", n_steps=20).spec
        'integrated-gradients[n_steps=20]'
    """
    built: AnyMethod = METHODS.build(method, options, environment=environment)
    return built
