"""The robustness harness: hostile inputs, damaged files, kills and limits. Start it with `scripts/break.py`."""
