"""Reliable fetch: the dead are found at once, with the cause of their death, and a suspect runs alone."""
