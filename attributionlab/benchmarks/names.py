"""Names of the benchmarks of this package. Importing this module does not import torch."""

BENCHMARKS = ("attributionlab-1",)
"""A file is never changed after its release: what is better gets the next number."""
