"""Networks that are trained: the loop, images whose backgrounds and labels are under control, and bugs of trained networks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
