"""Methods of other libraries give what their own calls give, on every network, and whatever cannot be used says what to write."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from captum import attr
from torch import nn
from torchvision_shim import install_where_missing

import attributionlab as al
from attributionlab.errors import BadOption, MethodRaised, UnknownName
from attributionlab.measuring.explain import attribute
from attributionlab.methods import METHODS, FunctionMethod
from attributionlab.methods.adapters.adapter import without_softmax
from attributionlab.methods.segments import grid

pytestmark = [
    pytest.mark.filterwarnings("ignore:Setting (forward, )?backward hooks"),  # captum, where it is called by hand
    pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already"),
]

LAYER = "accumulator.layers.5"


@pytest.fixture(scope="module", autouse=True)
def _torchvision():
    install_where_missing()  # zennit and pytorch-grad-cam import it


@pytest.fixture(scope="module")
def environment():
    return al.make_environment("multi-color-sum", size=16)


@pytest.fixture(scope="module")
def other(environment):
    """The network that is explained, where objects were built on the environment's own."""
    return environment.changed(network_seed=5).model


@pytest.fixture(scope="module")
def batch(environment):
    return environment.sample(2)


def layer_of(model):
    return dict(model.named_modules(remove_duplicate=False))[LAYER]


def zeros(images, n=2):
    return torch.zeros_like(images[:1]).repeat(n, 1, 1, 1)


def integrated(model, images, targets):
    return attr.IntegratedGradients(model).attribute(images, target=targets, n_steps=7)


def layer_gradcam(model, images, targets):
    coarse = attr.LayerGradCam(model, layer_of(model)).attribute(images, target=targets)
    return attr.LayerAttribution.interpolate(coarse, (16, 16), "bilinear")


def guided_gradcam(model, images, targets):
    return attr.GuidedGradCam(model, layer_of(model)).attribute(images, target=targets)


CAPTUM = [
    (
        "captum:IntegratedGradients[n_steps=7]",
        lambda model: functools.partial(attr.IntegratedGradients(model).attribute, n_steps=7),
        integrated,
    ),
    (f"captum:LayerGradCam[layer={LAYER}]", lambda model: attr.LayerGradCam(model, layer_of(model)), layer_gradcam),
    (
        f"captum:GuidedGradCam[layer={LAYER}]",
        lambda model: attr.GuidedGradCam(model, layer_of(model)).attribute,
        guided_gradcam,
    ),
    (
        "captum:DeepLiftShap",
        attr.DeepLiftShap,
        lambda model, images, targets: attr.DeepLiftShap(model).attribute(images, zeros(images), target=targets),
    ),
    (
        "captum:LRP",
        attr.LRP,
        lambda model, images, targets: attr.LRP(without_softmax(model)).attribute(images, target=targets),
    ),
]


@pytest.mark.parametrize(("spec", "build", "called"), CAPTUM, ids=[spec for spec, *_ in CAPTUM])
def test_captum_is_called_as_its_documentation_shows(spec, build, called, environment, other, batch):
    """By name, and by an object that was built on another network."""
    expected = called(other, batch.inputs, batch.targets).sum(dim=1).detach()
    for source in (spec, build(environment.model)):
        maps = al.make_method(source, environment)(other, batch.inputs, batch.targets)
        assert torch.equal(maps, expected), source


def test_noise_is_added_around_the_method_that_is_named(other, batch):
    spec = "captum:NoiseTunnel[attribution_method=Saliency,nt_samples=2,nt_type=vargrad]"
    torch.manual_seed(3)
    maps = al.make_method(spec)(other, batch.inputs, batch.targets)
    torch.manual_seed(3)
    tunnel = attr.NoiseTunnel(attr.Saliency(other))
    expected = tunnel.attribute(batch.inputs, nt_type="vargrad", nt_samples=2, target=batch.targets)
    assert torch.equal(maps, expected.sum(dim=1))
    assert al.make_method(spec).declaration.sign == "magnitude"


@pytest.mark.parametrize("name", ["EpsilonPlus", "EpsilonPlusFlat"])
def test_a_composite_of_zennit_explains_the_logit_also_while_it_is_registered_elsewhere(
    name, environment, other, batch
):
    composites, attribution = pytest.importorskip("zennit.composites"), pytest.importorskip("zennit.attribution")
    kind, starts = getattr(composites, name), torch.eye(4)[batch.targets]
    with attribution.Gradient(model=without_softmax(other), composite=kind()) as attributor:
        expected = attributor(batch.inputs, starts)[1].sum(dim=1)
    composite = kind()
    with attribution.Gradient(model=environment.model, composite=composite) as attributor:
        n_hooks = len(composite.handles)
        for source in (f"zennit:{name}", kind, composite, attributor):
            method = al.make_method(source, environment)
            assert method.declaration.explains == ("output" if source is None else "logit")
            assert torch.equal(method(other, batch.inputs, batch.targets), expected), source
        assert len(composite.handles) == n_hooks > 0


@pytest.mark.filterwarnings("ignore:__array_wrap__")
def test_an_explainer_of_shap_keeps_its_background(environment, other, batch):
    shap = pytest.importorskip("shap")
    background = torch.full((3, 3, 16, 16), 20.0)
    values = shap.DeepExplainer(other, background).shap_values(batch.inputs)
    expected = torch.from_numpy(values)[torch.arange(2), ..., batch.targets].float().sum(dim=1)
    explainer = shap.DeepExplainer(environment.model, background)
    for source in (explainer, explainer.shap_values):
        assert torch.equal(
            attribute(al.make_method(source), other, batch), expected
        )  # which finds no tensors left behind
    with pytest.raises(
        BadOption, match="be an explainer of networks and images, got 'shap:KernelExplainer'; for images shap has"
    ):
        al.make_method("shap:KernelExplainer")


@pytest.mark.parametrize("name", ["LayerCAM"])
def test_a_cam_looks_at_the_layer_of_the_same_name(name, environment, other, batch):
    library = pytest.importorskip("pytorch_grad_cam")
    kind = getattr(library, name)
    target_of = pytest.importorskip("pytorch_grad_cam.utils.model_targets").ClassifierOutputTarget
    with kind(model=other, target_layers=[layer_of(other)]) as cam:
        expected = cam(batch.inputs, [target_of(target) for target in batch.targets.tolist()])
    built = kind(model=environment.model, target_layers=[layer_of(environment.model)])
    for source in (f"grad-cam:{name}[layer={LAYER}]", kind, built, functools.partial(kind, target_layers=[LAYER])):
        method = al.make_method(source)
        assert (method.declaration.sign, method.declaration.granularity) == ("positive", "coarse")
        assert np.array_equal(method(other, batch.inputs, batch.targets).numpy(), expected)
    assert not other.accumulator.layers[5]._forward_hooks
    built.activations_and_grads.release()


def test_lime_gives_each_pixel_the_weight_of_its_segment_in_every_call(other, batch):
    lime_image = pytest.importorskip("lime.lime_image")
    explainer = lime_image.LimeImageExplainer(random_state=1)
    method = al.adapt(explainer, num_samples=20, segmentation_fn=grid)
    maps = method(other, batch.inputs, batch.targets)
    assert torch.equal(maps, method(other, batch.inputs, batch.targets))
    assert maps.shape == (2, 16, 16)
    assert len(maps[0].unique()) > 1


def gradient(model, inputs, targets):
    inputs = inputs.clone().requires_grad_()
    return torch.autograd.grad(model(inputs).gather(1, targets[:, None]).sum(), inputs)[0]


def as_in_quantus(model, inputs, targets, **kwargs) -> np.ndarray:
    return gradient(model, torch.from_numpy(inputs), torch.from_numpy(targets)).numpy()


def of_annotated_arrays(model, inputs: np.ndarray, targets, *, scale=1):
    return scale * as_in_quantus(model, inputs, targets).sum(axis=1)


RESULTS = {
    "array": lambda *call: gradient(*call).numpy(),
    "tuple with a delta": lambda *call: (gradient(*call), torch.zeros(2)),
    "outputs first": lambda *call: (torch.zeros(2, 4), gradient(*call)),
    "tuples in a tuple": lambda *call: ((gradient(*call),), torch.zeros(2)),
    "Quantus": as_in_quantus,
    "annotated arrays": of_annotated_arrays,
}


@pytest.mark.parametrize("name", RESULTS)
def test_plain_functions_may_return_arrays_and_tuples(name, other, batch):
    maps = al.make_method(RESULTS[name])(other, batch.inputs, batch.targets)
    assert torch.equal(maps, gradient(other, batch.inputs, batch.targets).sum(dim=1))


def test_options_of_functions_and_declared_facts_are_taken(other, batch):
    method = al.adapt(of_annotated_arrays, sign="magnitude", scale=-1)
    maps = method(other, batch.inputs, batch.targets)
    assert torch.equal(maps, -gradient(other, batch.inputs, batch.targets).sum(dim=1))
    assert method.declaration.sign == "magnitude"
    assert al.adapt("captum:Saliency", explains="logit").declaration == al.Declaration(family="captum", sign="magnitude", explains="logit")  # fmt: skip


def test_a_function_that_explains_the_logit_is_given_the_network_before_its_softmax(other, batch):
    method = al.adapt(gradient, explains="logit")
    assert method.declaration.explains == "logit"
    maps = method(other, batch.inputs, batch.targets)
    assert torch.equal(maps, gradient(other.logits, batch.inputs, batch.targets).sum(dim=1))
    assert not torch.equal(maps, gradient(other, batch.inputs, batch.targets).sum(dim=1))


def test_baselines_are_colors_of_the_environment(environment, other, batch):
    starts = environment.true_baseline[None, :, None, None].expand(1, 3, 16, 16)
    expected = attr.DeepLift(other).attribute(batch.inputs, starts, target=batch.targets).sum(dim=1).detach()
    for baseline in ("true", ",".join(f"{value:g}" for value in environment.true_baseline.tolist())):
        method = al.make_method(f"captum:DeepLift[baselines={baseline}]", environment)
        assert torch.equal(method(other, batch.inputs, batch.targets), expected)


def test_specs_are_canonical_and_can_be_read_again():
    method = al.make_method("captum:IntegratedGradients[n_steps=200,method=gausslegendre,baselines=true]")
    assert method.spec == "captum:IntegratedGradients[baselines=true,n_steps=200]"
    assert al.make_method(method.spec).spec == method.spec
    assert (
        al.make_method("captum.attr:IntegratedGradients", n_steps=200).spec == "captum:IntegratedGradients[n_steps=200]"
    )


def test_a_class_or_object_in_a_file_is_adapted(tmp_path, other, batch):
    file = tmp_path / "own.py"
    file.write_text(
        "from captum.attr import Saliency\nfrom torch import nn\nclass Own(Saliency): pass\nbuilt = Own(nn.Flatten())\n"
    )
    for source in (f"{file}:Own[abs=false]", f"{file}:built[abs=false]"):
        method = al.make_method(source)
        assert method.spec == source
        assert torch.equal(
            method(other, batch.inputs, batch.targets), gradient(other, batch.inputs, batch.targets).sum(dim=1)
        )


def two_arguments(inputs, targets):
    return inputs


MISTAKES = {
    "captum:Saliencie": "got 'captum:Saliencie'; did you mean Saliency?",
    "captum:ig": "`method` must be a known name, got 'captum:ig'; did you mean IntegratedGradients?",
    "captum:Saliency[absolute=false]": "`option` must be a known name, got 'absolute'; known: abs, additional_forward_args",
    "captum:Occlusion": r"write captum:Occlusion\[sliding_window_shapes=3,4,4\]",
    "captum:NoiseTunnel": r"write captum:NoiseTunnel\[attribution_method=Saliency\]",
    "captum:LayerActivation": "LayerActivation.attribute takes no `target`",
    "LayerCAM": "did you mean grad-cam:LayerCAM",
    "EpsilonPlus": "did you mean lrp-epsilon-plus-flat or zennit:EpsilonPlus",
    "ig": "did you mean integrated-gradients",
    "saliency": "did you mean gradient-magnitude or gradient",
    "captum.attr.IntegratedGradients": "here captum.attr:IntegratedGradients",
}


@pytest.mark.parametrize("spec", MISTAKES)
def test_a_mistake_says_what_to_write(spec):
    with pytest.raises((BadOption, UnknownName), match=MISTAKES[spec]):
        al.make_method(spec)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (two_arguments, r"got 'two_arguments\(inputs, targets\)'; write lambda model, inputs, targets: two_arguments\(inputs, targets\)"),
        (attr.Saliency(lambda images: images), r"not on a function, got 'captum:Saliency'; write al.adapt\(Saliency\)"),
        (nn.ReLU, "be a spec or a function"),
    ],
    ids=["arguments", "closure", "class"],
)  # fmt: skip
def test_an_object_that_cannot_be_called_says_what_to_write(source, message):
    with pytest.raises(BadOption, match=message):
        al.make_method(source)


def test_layers_are_named(environment, other, batch):
    with pytest.raises(BadOption, match=r"`layer` must be the name of a layer, as accumulator\.layers\.5, got 'ReLU'"):
        al.adapt(attr.LayerGradCam, layer=layer_of(environment.model))(other, batch.inputs, batch.targets)
    own = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    with pytest.raises(BadOption, match="`layer` must have its name in every network that is explained, got '0'"):
        al.make_method(attr.LayerGradCam(own, own[0]))(other, batch.inputs, batch.targets)


def test_a_function_of_arrays_without_annotations_says_the_line(other, batch):
    def of_arrays(model, inputs, targets):
        return as_in_quantus(model, inputs, targets)

    with pytest.raises(MethodRaised, match=r"write attributionlab.adapt\(function, arrays=True\)"):
        attribute(al.make_method(of_arrays), other, batch)
    maps = attribute(al.adapt(of_arrays, arrays=True), other, batch)
    assert torch.equal(maps, gradient(other, batch.inputs, batch.targets).sum(dim=1))


def test_hints_name_only_classes_that_exist():
    names = {name for names in METHODS.aliases.values() for name in names if ":" in name}
    modules = {"captum": "captum.attr", "zennit": "zennit.composites", "shap": "shap", "grad-cam": "pytorch_grad_cam"}
    for library, _, kind in map(str.partition, sorted(names), ":" * len(names)):
        if library in modules:
            assert hasattr(pytest.importorskip(modules[library]), kind)


def test_a_missing_library_is_an_error_of_the_call(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "lime", None)
    monkeypatch.setitem(__import__("sys").modules, "lime.lime_image", None)
    with pytest.raises(BadOption, match="pip install lime"):
        al.make_method("lime:LimeImageExplainer")


def test_adapt_refuses_what_is_no_method():
    for source, message in ((3, "be a method of a known library, or a function"), ("ig", "a name of ours goes to"), (al.make_method("gradient"), "be of another library")):  # fmt: skip
        with pytest.raises(BadOption, match=message):
            al.adapt(source)
    with pytest.raises(BadOption, match="`arrays` must be left out"):
        al.adapt("captum:Saliency", arrays=True)
    assert isinstance(al.adapt("captum:Saliency"), FunctionMethod)
