"""Truth: batches, ground truth, and the kinds of truth that a map is compared with."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
