"""The command line: parse, call one public function, print. Nothing here imports torch before a command runs."""
