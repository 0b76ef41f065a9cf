"""Papers whose results are reproduced: one package each, over one shared engine of claims, measurements and reports.

The engine imports no paper. The catalog names the papers as import strings, so a paper can be deleted with its line there.
"""
