"""Games: exact values of every feature, in closed form, along the straight path from a baseline, or from random orders."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
