from .backgrounds import (
    HELD_OUT,
    N_EPOCHS,
    N_IMAGES,
    BackgroundAccuracies,
    BackgroundTraining,
    background_accuracies,
    train_on_backgrounds,
)
from .composed import TEST, VALIDATION, ComposedImages, compose_images
from .domains import Enlarged, digit_images, shape_images
from .layers import freeze, layer_names, reinitialized
from .loop import Course, Recipe, Snapshot, accuracy, fit, predict
from .mislabeling import LinearizedLoss, NegativeLogProbability, mislabel
from .networks import bvd_cnn

__all__ = [
    "HELD_OUT",
    "N_EPOCHS",
    "N_IMAGES",
    "TEST",
    "VALIDATION",
    "BackgroundAccuracies",
    "BackgroundTraining",
    "ComposedImages",
    "Course",
    "Enlarged",
    "LinearizedLoss",
    "NegativeLogProbability",
    "Recipe",
    "Snapshot",
    "accuracy",
    "background_accuracies",
    "bvd_cnn",
    "compose_images",
    "digit_images",
    "fit",
    "freeze",
    "layer_names",
    "mislabel",
    "predict",
    "reinitialized",
    "shape_images",
    "train_on_backgrounds",
]
