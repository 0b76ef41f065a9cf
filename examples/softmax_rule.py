"""Why the signs of DeepSHAP depend on the rule for the softmax.

A pixel of a losing color lowers the probability of the winner. So its value must be negative. DeepLIFT and DeepSHAP pass the change of
the probability back through the softmax, and libraries do this by different rules:

* The rule of shap gives the whole change of a probability to the logit of its own class. The other logits get nothing, so the pixels of
  the other colors get 0.
* The rule of captum subtracts the mean multiplier from the multiplier of each logit. So all other colors get one negative value, whatever
  their effect is. The sign is right from the true background. From black other differences reach the same multipliers, and signs turn.

A logit has no softmax behind it, so the two rules agree on it.
"""

import attributionlab as al

OUTPUTS = {"probability": "multi-color-sum[size=32]", "logit": "multi-color-sum[output=logit,size=32]"}


def main() -> None:
    """Print the signs that each rule gives to the pixels of the winner and of the other colors."""
    masks = al.make_environment(OUTPUTS["probability"]).sample(4).ground_truth
    pixels = {"the winner": masks.positive_mask, "other colors": masks.negative_mask}
    print(f"{'output':12}{'baseline':10}{'rule':8}" + "".join(f"{f'+ / 0 / - of {name}':>28}" for name in pixels))
    for output, spec in OUTPUTS.items():
        environment = al.make_environment(spec)
        batch = environment.sample(4)  # the same images for both outputs
        for baseline in ("true", "black"):
            for rule in ("shap", "captum"):
                method = al.make_method("deepshap", environment, baseline=baseline, rule=rule)
                maps = method(environment.model, batch.inputs, batch.targets)
                shares = [
                    " / ".join(f"{(maps[mask].sign() == sign).double().mean():.0%}" for sign in (1, 0, -1))
                    for mask in pixels.values()
                ]
                print(f"{output:12}{baseline:10}{rule:8}" + "".join(f"{share:>28}" for share in shares))
    print("True for the probability: the winner +, other colors -. True for the logit: the winner +, other colors 0.")


if __name__ == "__main__":
    main()
