"""Benchmarks: frozen scenes, truths and networks with a name, so that verdicts of different days and machines can be compared."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
