"""`python -m attributionlab`: the command line."""

from attributionlab.cli.app import run

if __name__ == "__main__":
    run()
