"""Data sets whose labels only a known manipulation predicts, and attribution scored against where it is."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
