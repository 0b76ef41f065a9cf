from .exact import exact_values

__all__ = ["exact_values"]
