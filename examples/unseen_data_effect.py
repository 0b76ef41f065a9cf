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
from attributionlab.reports.figures.maps import attribution_figure
from attributionlab.reports.figures.saving import save_figure

SETTINGS = {"ignores unknown colors": 0, "has the Unseen Data Effect": 2}


def main(path: Path) -> None:
    """Draw the same methods on both networks."""
    maps: dict[str, torch.Tensor] = {}
    for setting, n_redundant in SETTINGS.items():
        environment = al.make_environment("multi-color-sum", size=64, n_redundant=n_redundant)
        methods = [al.make_method(name, environment) for name in ("integrated-gradients", "deepshap", "occlusion")]
        drawn = gallery(environment, methods, n_samples=3)
        maps |= {f"{name} {setting}": values for name, values in drawn.maps.items()}

        black = torch.zeros_like(drawn.batch.inputs[:1])
        print(
            f"the network that {setting} counts {environment.model.counts(black).tolist()[0]} pixels in a black image"
        )
    save_figure(attribution_figure(drawn.batch, maps, title="the same images, the same answers"), path)
    print(f"wrote {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "unseen_data_effect.png"))
