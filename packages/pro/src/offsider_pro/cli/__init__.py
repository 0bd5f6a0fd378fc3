"""The commands of this edition, one a file."""
