"""Papers whose results are reproduced: one package each, over one shared engine of claims and reports."""
