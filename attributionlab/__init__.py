"""Is this attribution method right? Networks with hand-written weights, images with exact truth, and the verdict.

Example:
    >>> import attributionlab as al
    >>> environment = al.make_environment("multi-color-sum", size=16)
    >>> al.check("truth", environment, n_samples=4).passed
    True
"""

from importlib.metadata import version

import lazy_loader

__version__ = version("attributionlab")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
