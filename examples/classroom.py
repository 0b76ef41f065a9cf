"""A teacher's riddle: one image, five maps without names. Which one says what the network uses?

The picture goes onto the wall. The key is printed: which method is which letter, and how right its map is.
"""

import random
import sys
from pathlib import Path

import matplotlib.pyplot as plt

import attributionlab as al

METHODS = ("edge", "gradcam", "guided-backprop", "integrated-gradients[baseline=true]", "occlusion")


def main(path: Path) -> None:
    """Draw the maps under letters and print the key."""
    environment = al.make_environment("multi-color-sum", size=64, seed=4)
    batch = environment.sample(1)
    names = random.Random(1).sample(METHODS, len(METHODS))  # noqa: S311  # a riddle, not a secret
    figure, axes = plt.subplots(1, 1 + len(names), figsize=(12, 2.6), layout="constrained")
    axes[0].imshow(batch.inputs[0].permute(1, 2, 0).numpy() / 255)
    axes[0].set_title("image")
    print("The key: F1 is 1 for a map with the right pixels and the right signs, and 0 for a map with neither.")
    for letter, name, axis in zip("ABCDE", names, axes[1:], strict=True):
        maps = al.make_method(name, environment)(environment.model, batch.inputs, batch.targets)
        limit = float(maps.abs().max())
        axis.imshow(maps[0].numpy(), cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set_title(letter)
        print(f"  {letter}  F1 {float(al.score(maps, batch.ground_truth).signed.f1[0]):.2f}  {name}")
    print("`edge` draws the edges of the image. It has never seen the network.")
    for axis in axes:
        axis.set_axis_off()
    figure.suptitle("The network says which color has the most pixels. Which map says what it uses?")
    figure.savefig(path)
    print(f"wrote {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "classroom.png"))
