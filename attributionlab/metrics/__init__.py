"""Metrics: agreement with the exact truth, and the perturbation metrics, which are audited by it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
