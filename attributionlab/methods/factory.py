"""The catalog of methods, and their construction from specs, functions and addresses. Importing it does not import torch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from attributionlab.environments.factory import require_environment
from attributionlab.specs.catalog import Catalog
from attributionlab.specs.registration import registration
from attributionlab.specs.rules import Rules

if TYPE_CHECKING:
    from attributionlab.environments.base import Environment
    from attributionlab.methods.base import AnyMethod, Method
    from attributionlab.methods.declaration import MethodFunction

CAPTUM: dict[str, tuple[str, ...]] = {
    "deconvolution": ("deconvnet",),
    "deeplift": ("deeplift",),
    "deepliftshap": ("deepshap",),
    "featureablation": ("occlusion",),
    "gradcam": ("gradcam",),
    "gradientshap": ("expected-gradients",),
    "gradientxactivation": ("input-x-gradient",),
    "guidedbackprop": ("guided-backprop",),
    "integratedgradients": ("integrated-gradients",),
    "lrp": ("lrp-epsilon", "lrp-z", "lrp-alpha-beta", "lrp-gamma"),
    "noisetunnel": ("smoothgrad", "smoothgrad-squared", "vargrad"),
    "saliency": ("gradient-magnitude", "gradient"),
    "shapleyvalues": ("kernel-shap",),
    "shapleyvaluesampling": ("kernel-shap",),
}
"""Our names for the classes of captum, which has variants of many for layers and neurons."""

ELSEWHERE: dict[str, tuple[str, ...]] = {
    "ablationcam": ("grad-cam:AblationCAM",),
    "betasmooth": ("zennit:BetaSmooth",),
    "captum": ("captum:IntegratedGradients",),
    "conductance": ("captum:LayerConductance",),
    "eigencam": ("grad-cam:EigenCAM",),
    "epsilongammabox": ("zennit:EpsilonGammaBox",),
    "epsilonplus": ("lrp-epsilon-plus-flat", "zennit:EpsilonPlus"),
    "excitationbackprop": ("zennit:ExcitationBackprop",),
    "fullgrad": ("grad-cam:FullGrad",),
    "gradcamplusplus": ("grad-cam:GradCAMPlusPlus",),
    "hirescam": ("grad-cam:HiResCAM",),
    "internalinfluence": ("captum:InternalInfluence",),
    "layercam": ("grad-cam:LayerCAM",),
    "layerconductance": ("captum:LayerConductance",),
    "limeimageexplainer": ("lime", "lime:LimeImageExplainer"),
    "partitionexplainer": ("shap:PartitionExplainer",),
    "pytorchgradcam": ("grad-cam:LayerCAM",),
    "xgradcam": ("grad-cam:XGradCAM",),
    "zennit": ("zennit:EpsilonPlus",),
}
"""Names of methods that other libraries have, and names of libraries, with what can be written instead."""

ALIASES: dict[str, tuple[str, ...]] = {
    **{name: names for name, names in CAPTUM.items() if names[0].replace("-", "") != name},
    **{f"{prefix}{name}": names for prefix in ("layer", "neuron") for name, names in CAPTUM.items()},
    **ELSEWHERE,
    "ablation": ("occlusion",),
    "backprop": ("gradient",),
    "dconv": ("deconvnet",),
    "deconv": ("deconvnet",),
    "deepexplainer": ("deepshap", "shap:DeepExplainer"),
    "deeptaylordecomposition": ("deep-taylor",),
    "dl": ("deeplift",),
    "dls": ("deepshap",),
    "dtd": ("deep-taylor",),
    "eg": ("expected-gradients",),
    "ep": ("extremal-perturbation",),
    "experturb": ("extremal-perturbation",),
    "extremalperturbations": ("extremal-perturbation",),
    "gb": ("guided-backprop",),
    "gbp": ("guided-backprop",),
    "ggc": ("guided-gradcam",),
    "gi": ("input-x-gradient",),
    "grad": ("gradient",),
    "gradientexplainer": ("expected-gradients", "shap:GradientExplainer"),
    "gradientxinput": ("input-x-gradient",),
    "gradinput": ("input-x-gradient",),
    "gradtimesinput": ("input-x-gradient",),
    "gradxinput": ("input-x-gradient",),
    "guidedbackpropagation": ("guided-backprop",),
    "guidedbp": ("guided-backprop",),
    "gxi": ("input-x-gradient",),
    "ig": ("integrated-gradients",),
    "informationbottleneck": ("iba",),
    "inputgradient": ("input-x-gradient",),
    "inputtimesgradient": ("input-x-gradient",),
    "intgrad": ("integrated-gradients",),
    "intgrads": ("integrated-gradients",),
    "ixg": ("input-x-gradient",),
    "kernelexplainer": ("kernel-shap",),
    "ks": ("kernel-shap",),
    "layerwiserelevancepropagation": ("lrp-epsilon", "lrp-z", "lrp-alpha-beta", "lrp-gamma"),
    "leaveoneout": ("occlusion",),
    "loo": ("occlusion",),
    "lrp0": ("lrp-z",),
    "meaningfulperturbation": ("extremal-perturbation",),
    "rescale": ("deeplift",),
    "scorecam": ("grad-cam:ScoreCAM",),
    "sg": ("smoothgrad",),
    "sgsq": ("smoothgrad-squared",),
    "shap": ("kernel-shap", "deepshap"),
    "shapley": ("kernel-shap", "deepshap"),
    "smoothgrad2": ("smoothgrad-squared",),
    "sobel": ("edge",),
    "sv": ("kernel-shap",),
    "vanilla": ("gradient",),
    "vanillagradient": ("gradient",),
    "vg": ("vargrad",),
}
"""Our names for captum's classes and for usual abbreviations, in lower case without separators."""

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
        "lrp-gamma": "attributionlab.methods.relevance:LrpGamma",
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
        "foreground": "attributionlab.methods.controls:Foreground",
        "edge": "attributionlab.methods.controls:Edge",
        "input": "attributionlab.methods.controls:Input",
        "truth": "attributionlab.methods.controls:Truth",
        "exact": "attributionlab.methods.controls:Exact",
    },
    rules=Rules(
        base="attributionlab.methods.base:Method",
        facts={"declaration": "attributionlab.methods.declaration:Declaration"},
        wrapper="attributionlab.methods.base:FunctionMethod",
        signature="(model, inputs, targets) -> Tensor",
        adapter="attributionlab.methods.adapters.adapting:adapted_method",
    ),
    aliases=ALIASES,
)
"""All methods; hints for unknown names know captum's class names and usual abbreviations."""


@registration
def register_method(name: Any, method: Any = None, /) -> Any:
    """Register a method under a name, in this process.

    It must be a subclass of `Method` (a frozen dataclass whose fields are its options, with a `name` and a `declaration`) or
    a function `(model, inputs, targets) -> Tensor`, which may be decorated by `declares`. An installed
    package uses an entry point of the group `attributionlab.methods` instead, which works in every process.

    Args:
        name: The name in specs; by default a class's own `name`, or a function's name with dashes.
        method: The class or function; omitted if `register_method` is used as a decorator.

    Returns:
        The class or function itself.

    Raises:
        BadOption: If the name is taken or not valid in a spec, or the class or function does not fit.

    Example:
        >>> @register_method("mean-of-channels")  # doctest: +SKIP
        ... def mean_of_channels(model, inputs, targets):
        ...     return inputs.mean(dim=1)
        >>> make_method("mean-of-channels").spec  # doctest: +SKIP
        'mean-of-channels'
    """
    return METHODS.register(name, method)


def make_method(
    method: str | AnyMethod | MethodFunction, environment: Environment | None = None, /, **options: object
) -> AnyMethod:
    """Build a method from its name or spec, or wrap a function.

    Args:
        method: A registered name or spec (`integrated-gradients[baseline=true]`), a method or its class, a function
            `(model, inputs, targets) -> Tensor`, its address (`package.module:function`, `file.py:function`), or a method of another
            library that `adapt` knows, as an object, a class or a name (`captum:Saliency[abs=false]`).
        environment: The environment in which it is used, which has the true baseline.
        **options: Options of the method.

    Raises:
        UnknownName: If there is no such method or option.
        BadOption: If a value is not valid or contradicts the spec, or options are given for a function.
        MissingFile: If the module, file or function does not exist.

    Example:
        >>> make_method("integrated-gradients", n_steps=20).spec
        'integrated-gradients[n_steps=20]'
    """
    if environment is not None:
        require_environment("environment", environment)
    built: AnyMethod = METHODS.build(method, options, environment=environment)
    adapter = getattr(built, "function", None)
    if environment is None or not hasattr(adapter, "in_environment"):
        return built
    return replace(built, function=adapter.in_environment(environment))  # type: ignore[union-attr]  # a FunctionMethod
