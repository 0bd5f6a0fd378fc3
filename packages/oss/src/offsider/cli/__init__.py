"""The command line: one command a file. Starts everything, decides nothing."""
