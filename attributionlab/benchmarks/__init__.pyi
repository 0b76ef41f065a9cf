from .benchmark import Benchmark, FrozenEnvironment, freeze
from .names import BENCHMARKS
from .reading import load_benchmark

__all__ = ["BENCHMARKS", "Benchmark", "FrozenEnvironment", "freeze", "load_benchmark"]
