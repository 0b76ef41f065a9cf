"""Writing a network so that other programs and frameworks can load it, and checking that they get the same outputs."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from attributionlab.errors import BadOption, MachineError

WEIGHTS = "model.safetensors"
ONNX = "model.onnx"

SOFTMAX_ROUNDING = 3e-7
"""Largest difference between softmax outputs of two libraries: 2.5 units in the last place of a probability near 1."""

NEEDS = ("onnx", "onnxscript", "onnxruntime")


def write_weights(model: nn.Module, path: Path) -> None:
    """Write the `state_dict` as safetensors, and read it back.

    Raises:
        MachineError: If the weights read back differ in any bit from those written.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    path.write_bytes(save(state))  # `save_file` would set the mode itself
    stored = load(path.read_bytes())
    if stored.keys() != state.keys() or not all(torch.equal(stored[name], tensor) for name, tensor in state.items()):
        raise MachineError(f"`output` must keep what is written, got other weights back from {path}")


def check_onnx() -> None:
    """Refuse if a package of the extra `onnx` is not installed.

    Raises:
        BadOption: If a package is missing.
    """
    missing = [package for package in NEEDS if importlib.util.find_spec(package) is None]
    if missing:
        raise BadOption(f"`onnx` needs {', '.join(missing)}; pip install 'attributionlab[onnx]'")


def write_onnx(model: nn.Module, inputs: Tensor, path: Path) -> None:
    """Write the network as ONNX for batches of any size, and run it: counts and logits must be equal with ==.

    Args:
        model: The network.
        inputs: (b, c, h, w), at least 2 images on which both networks are compared.
        path: File to write.

    Raises:
        MachineError: If the exported network gives other outputs.
    """
    import onnxruntime  # noqa: PLC0415  # an extra

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns about itself
        program = torch.onnx.export(
            model, (inputs,), dynamo=True, dynamic_shapes=({0: torch.export.Dim("b")},), verbose=False
        )
    assert program is not None, "the exporter returns a program unless it writes a file itself"
    program.save(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = torch.from_numpy(session.run(None, {session.get_inputs()[0].name: inputs.numpy()})[0])
    with torch.no_grad():
        expected = model(inputs)
    gap = float((outputs - expected).abs().max())
    allowed = 0.0 if getattr(model, "softmax", None) is None else SOFTMAX_ROUNDING
    if gap > allowed:
        raise MachineError(f"`onnx` must give the same outputs, got a difference of {gap:.2g} on {len(inputs)} images")
