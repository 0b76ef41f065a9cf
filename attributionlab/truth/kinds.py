"""Kinds of truth that a map can be compared with."""

from __future__ import annotations

TRUTHS = ("overall", "positive", "negative", "positive-smooth")
