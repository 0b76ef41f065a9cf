"""Texts whose labels only their articles predict, and classifiers with attention that are trained on them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
