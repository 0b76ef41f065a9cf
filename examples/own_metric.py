"""A metric of your own: does it rank methods as the truth does?

The metric is the pointing game: does the pixel with the largest value belong to the pixels that raise the output? It looks at one
pixel of a map only, so maps that are wrong everywhere else get the best score, too.
"""

import torch

import attributionlab as al

METHODS = ["truth", "input-x-gradient", "gradcam", "occlusion", "edge", "random"]


@al.metric(higher_is_better=True)
def pointing_game(environment: al.Environment, batch: al.Batch, attribution: torch.Tensor) -> torch.Tensor:
    """1 where the largest value lies on a pixel that raises the output, else 0: of shape (b,)."""
    del environment
    place = attribution.flatten(1).argmax(dim=1, keepdim=True)
    return batch.ground_truth.positive_mask.flatten(1).gather(1, place)[:, 0].double()


def main() -> None:
    """Print the score of each method by the metric, beside its F1 against the truth."""
    (audited,) = al.audit(METHODS, [pointing_game], "multi-color-sum[size=32]", n_samples=8).environments
    print(f"{'method':20}{'F1':>6}{'pointing game':>16}")
    for name, scores in audited.methods.items():
        (score,) = scores.metrics.values()
        print(f"{name:20}{scores.f1:6.2f}{score:16.2f}")
    (agreement,) = audited.correlations.values()
    print(f"rank correlation of the two: {agreement.spearman:.2f} ({agreement.low:.2f} to {agreement.high:.2f})")


if __name__ == "__main__":
    main()
