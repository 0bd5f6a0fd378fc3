"""Encryption of what jobs carry: arguments, errors and results, which Redis and whoever reads it never see plain."""
