"""Scenes, descriptions of images: shapes, patches, their sampling and rendering."""

from attributionlab.scenes.noise import shuffled
from attributionlab.scenes.render import colored_ids, patch_ids, render
from attributionlab.scenes.sampling import BlobSampler, MultiColorSampler
from attributionlab.scenes.scene import Patch, Scene
from attributionlab.scenes.shapes import SHAPES

__all__ = [
    "SHAPES",
    "BlobSampler",
    "MultiColorSampler",
    "Patch",
    "Scene",
    "colored_ids",
    "patch_ids",
    "render",
    "shuffled",
]
