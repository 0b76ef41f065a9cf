"""Experiments: the faithfulness test."""

from attributionlab.experiments.check import EnvironmentVerdict, MethodFailure, Verdict, check
from attributionlab.experiments.intervals import Summary

__all__ = ["EnvironmentVerdict", "MethodFailure", "Summary", "Verdict", "check"]
