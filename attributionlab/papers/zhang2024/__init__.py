"""Zhang et al. 2024, AttributionLab: the paper that the designed networks come from."""
