"""What the baseline of integrated gradients asks: a picture.

A path from black (0, 0, 0) to the image crosses colors that the network was never told of; they wake its redundant channels. So from black,
background pixels (20, 20, 20) take part in the difference of outputs, and they get attribution. From the true background they do not
change along the path, and get none. Both maps answer a question, and not the same one.
"""

import sys
from pathlib import Path

import attributionlab as al
from attributionlab.measuring.galleries import gallery
from attributionlab.reports.answers import answers_of
from attributionlab.reports.figures.maps import attribution_figure
from attributionlab.reports.figures.saving import save_figure

BASELINES = {"from black": "black", "from (19, 19, 19)": "19,19,19", "from the true background": "true"}
"""Values of the option by the name of the baseline in words."""


def main(path: Path) -> None:
    """Draw integrated gradients from three baselines."""
    environment = al.make_environment("multi-color-sum", size=32)
    methods = [al.make_method("integrated-gradients", environment, baseline=color) for color in BASELINES.values()]
    drawn = gallery(environment, methods, n_samples=3)
    is_background = ~drawn.batch.ground_truth.overall_mask
    maps = {}
    for name, values in zip(BASELINES, drawn.maps.values(), strict=True):
        share = float((values.abs() * is_background).sum() / values.abs().sum())
        maps[f"{name}: {share:.0%} on the background"] = values
        print(f"{name}: {share:.0%} of all attribution lies on the background")
    title = "Integrated gradients give the background attribution, unless they start from it"
    captions = dict.fromkeys(maps, "overall")
    answers = answers_of(environment, drawn.batch)
    save_figure(attribution_figure(drawn.batch, maps, title=title, captions=captions, answers=answers), path)
    print(f"wrote {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "baseline.png"))
