"""Two implementations of one method: are their maps the same, and if not, which one is right?

The first pair has one formula: captum's GuidedBackprop and ours. The second pair has one name: DeepLIFT by the rule of shap and by the rule
of captum, which treat the softmax in different ways. The third pair differs in one step only: GradCAM with and without the final ReLU.
"""

import attributionlab as al

PAIRS = (
    ("captum:GuidedBackprop", "guided-backprop"),
    ("deeplift[rule=captum]", "deeplift[rule=shap]"),
    ("gradcam[relu=false]", "gradcam"),
)


def main() -> None:
    """Print how far apart the maps of each pair are, and how right each method is."""
    environment = al.make_environment("multi-color-sum", size=32)
    batch = environment.sample(4)
    for pair in PAIRS:
        methods = [al.make_method(name, environment) for name in pair]
        maps = [method(environment.model, batch.inputs, batch.targets).double() for method in methods]
        largest = max(float(values.abs().max()) for values in maps)
        difference = float((maps[0] - maps[1]).abs().max()) / largest
        print(f"{pair[0]} and {pair[1]}:")
        print(f"  largest difference of two pixels: {difference:.2g} of the largest value")
        compared = al.compare(*pair, environment, n_samples=8)
        scores = [f"{score.f1:.2f}" for score in compared.scores.values() if score is not None]
        print(f"  mean F1 on {compared.truth} truth: {' and '.join(scores)}; the first is {compared.relation}")


if __name__ == "__main__":
    main()
