"""Why the baseline matters for integrated gradients: a picture.

Black (0, 0, 0) looks like the background (20, 20, 20), but the network has never been told of it: along the path from
black, every background pixel passes through unknown colors and gets attribution. From the true baseline none does.
"""

import sys
from pathlib import Path

import attributionlab as al
from attributionlab.measuring.galleries import gallery
from attributionlab.reports.answers import answers_of
from attributionlab.reports.figures.maps import attribution_figure
from attributionlab.reports.figures.saving import save_figure


def main(path: Path) -> None:
    """Draw integrated gradients from three baselines."""
    environment = al.make_environment("multi-color-sum", size=64)
    baselines = ("black", "19,19,19", "true")
    methods = [al.make_method("integrated-gradients", environment, baseline=baseline) for baseline in baselines]
    drawn = gallery(environment, methods, n_samples=3)
    figure = attribution_figure(
        drawn.batch,
        drawn.maps,
        title="integrated gradients: a baseline that is nearly right is wrong",
        captions=drawn.truths,
        answers=answers_of(environment, drawn.batch),
    )
    save_figure(figure, path)

    is_background = ~drawn.batch.ground_truth.overall_mask
    for name, maps in drawn.maps.items():
        share = float((maps.abs() * is_background).sum() / maps.abs().sum())
        print(f"{name}: {share:.0%} of all attribution lies on the background")
    print(f"wrote {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "baseline.png"))
