from .contested import contested_mask
from .every_game import every_game
from .exact import exact_values

__all__ = ["contested_mask", "every_game", "exact_values"]
