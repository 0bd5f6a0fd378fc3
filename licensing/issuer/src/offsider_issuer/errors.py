"""Every error of the vendor's tool, in one tree. Imports nothing of the house.

::

    IssuerError
    ├── FolderError       the vendor's folder, or a file in it, is missing, damaged or open to others
    ├── SigningKeyError   a signing key that is missing, there already, or cannot be read
    ├── TermsError        terms that no licence can have
    ├── UnknownLicense    no such licence in the ledger
    ├── InvalidLicense    a text that is no licence, or whose signature is wrong
    └── PublishError      a file that the index cannot take
"""

from __future__ import annotations


class IssuerError(Exception):
    """The root: catches everything this package raises."""


class FolderError(IssuerError):
    """The vendor's folder, or a file in it, is missing, damaged or open to others."""


class SigningKeyError(IssuerError):
    """A signing key that is missing, there already, or cannot be read."""


class TermsError(IssuerError):
    """Terms that no licence can have."""


class UnknownLicense(IssuerError):
    """No such licence in the ledger."""


class InvalidLicense(IssuerError):
    """A text that is no licence, or whose signature is wrong."""


class PublishError(IssuerError):
    """A file that the index cannot take."""
