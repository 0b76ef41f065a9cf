"""Runs: many measurements from a plan, recorded so that nothing is lost."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
