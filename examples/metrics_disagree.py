"""Why metrics disagree: Insertion, Deletion and the truth rank the same maps in different orders.

Insertion and Deletion change pixels and look at the output, so they do not need to know the truth. But a half-deleted image is an image
that the network was never made for. In the second setting it answers to such images, as trained networks do (the Unseen Data Effect), and
the metrics measure that answer, too. The images and the maps' truth are the same in both settings.
"""

from typing import Any

import attributionlab as al

METHODS = ["input-x-gradient", "integrated-gradients", "deeplift", "gradcam", "occlusion", "edge", "random"]


def ranks(values: dict[str, Any], *, higher_is_better: bool) -> dict[str, int]:
    """The place of each method; 1 is best."""
    ordered = sorted(values, key=lambda name: values[name], reverse=higher_is_better)
    return {name: place for place, name in enumerate(ordered, start=1)}


def main() -> None:
    """Print the place of each method by the truth and by both metrics."""
    for n_redundant, effect in {0: "without", 2: "with"}.items():
        spec = f"multi-color-sum[n_redundant={n_redundant},size=32]"
        (audited,) = al.audit(METHODS, ["insertion", "deletion"], spec, n_samples=8).environments
        methods = audited.methods.items()
        places = {"truth": ranks({name: scores.f1 for name, scores in methods}, higher_is_better=True)}
        for metric, higher_is_better in audited.higher_is_better.items():
            values = {name: scores.metrics[metric] for name, scores in methods}
            places[metric] = ranks(values, higher_is_better=higher_is_better)
        print(f"places {effect} the Unseen Data Effect".ljust(42) + "".join(f"{column:>11}" for column in places))
        for name in places["truth"]:
            print(f"  {name:40}" + "".join(f"{places[column][name]:11}" for column in places))
        for metric, agreement in audited.correlations.items():
            print(f"  rank correlation of {metric} with the truth: {agreement.spearman:.2f}")


if __name__ == "__main__":
    main()
