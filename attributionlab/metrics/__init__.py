"""Metrics: agreement with the exact truth."""

from attributionlab.metrics.agreement import TRUTHS, Agreement, SoftScores, normalize, score, soft_scores

__all__ = ["TRUTHS", "Agreement", "SoftScores", "normalize", "score", "soft_scores"]
