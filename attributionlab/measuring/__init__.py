"""Measuring: the single path from a method to its maps, and from maps to scores."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
