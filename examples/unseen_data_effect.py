"""What the Unseen Data Effect is: a picture.

Two networks see the same images and agree on every one. They differ only off the design domain: one ignores unknown
colors, the other answers to them by redundant channels with random weights, as trained networks do on what they have never
seen. A method that shows the network such colors (a black baseline, here) explains the answer to *them*.
"""

import sys
from pathlib import Path

import torch

import attributionlab as al
from attributionlab.measuring.galleries import gallery
from attributionlab.reports.answers import answers_of
from attributionlab.reports.figures.maps import attribution_figure
from attributionlab.reports.figures.saving import save_figure

METHODS = ("integrated-gradients", "deepshap", "occlusion")
SETTINGS = {"ignores unknown colors": 0, "has the Unseen Data Effect": 2}


def main(path: Path) -> None:
    """Draw the same methods on both networks."""
    maps: dict[str, torch.Tensor] = {}
    headings: dict[str, tuple[str, str]] = {}
    truths: dict[str, str] = {}
    judged: dict[str, al.GroundTruth] = {}
    for setting, n_redundant in SETTINGS.items():
        environment = al.make_environment("multi-color-sum", size=64, n_redundant=n_redundant)
        drawn = gallery(environment, [al.make_method(name, environment) for name in METHODS], n_samples=3)
        for name in METHODS:
            column = f"{name} {setting}"
            maps[column], truths[column], judged[column] = drawn.maps[name], drawn.truths[name], drawn.judged[name]
            headings[column] = (f"the network that {setting}", name)

        black = torch.zeros_like(drawn.batch.inputs[:1])
        print(
            f"the network that {setting} counts {environment.model.counts(black).tolist()[0]} pixels in a black image"
        )
    figure = attribution_figure(
        drawn.batch,
        maps,
        title="two networks: the same images, the same answers, other maps",
        captions=truths,
        judged=judged,
        answers=answers_of(environment, drawn.batch),
        headings=headings,
    )
    save_figure(figure, path)
    print(f"wrote {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "unseen_data_effect.png"))
