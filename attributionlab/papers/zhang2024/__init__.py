"""Zhang et al. 2024, AttributionLab: the published tables and claims beside ours."""
