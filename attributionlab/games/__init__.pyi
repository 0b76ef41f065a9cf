from .every_game import every_game
from .exact import exact_values

__all__ = ["every_game", "exact_values"]
