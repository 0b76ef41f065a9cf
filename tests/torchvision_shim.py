"""torchvision's non-maximum suppression in plain torch, where its own does not load.

A package index may give a torchvision that was built for CUDA beside a torch for CPUs: then torchvision's compiled operators are
missing and importing it fails. What is tested here needs one of them.
"""

from __future__ import annotations

import torch

SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def install_where_missing():
    """Make `import torchvision` work; nothing happens where it does already."""
    try:
        import torchvision  # noqa: F401  # whether it loads is the question
    except RuntimeError as error:
        assert "torchvision::nms" in str(error)  # noqa: PT017  # any other failure is none of ours
    else:
        return
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", SCHEMA)
    torch.library.impl("torchvision::nms", "CPU", nms)
    from torchvision.ops import boxes

    boxes._assert_has_ops = lambda: None


def nms(dets, scores, iou_threshold):
    """The best box, then the best one that overlaps no kept box by more than the threshold, and so on."""
    kept = []
    for index in scores.argsort(descending=True, stable=True).tolist():
        if all(iou(dets[index], dets[other]) <= iou_threshold for other in kept):
            kept.append(index)
    return torch.tensor(kept, dtype=torch.int64)


def iou(first, second):
    """Intersection over union of two boxes (x0, y0, x1, y1)."""
    overlap = (torch.minimum(first[2:], second[2:]) - torch.maximum(first[:2], second[:2])).clamp(min=0).prod()
    return overlap / ((first[2:] - first[:2]).prod() + (second[2:] - second[:2]).prod() - overlap)
