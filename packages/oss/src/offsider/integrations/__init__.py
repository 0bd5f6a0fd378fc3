"""Meets other people's frameworks, one optional extra each. Imports a framework only in the file of its name."""
