"""Pushes that wait on this machine's disk until Redis is back. Imports nothing."""
