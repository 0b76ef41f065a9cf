"""Tables: for terminals, CSV, Markdown and LaTeX."""
