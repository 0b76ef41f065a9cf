"""Assertions about attribution methods and metrics, for any test runner. Every message names the problem and its likely place.

Example:
    >>> from attributionlab.testing import assert_faithful
    >>> assert_faithful("gradient", size=32)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
