"""Ready-made walks for resumable jobs: pairs of an item and the cursor after it. Imports only.

Each takes ``after``, the cursor of the job, and begins behind it.
"""

from __future__ import annotations

from .files import csv_rows, lines
from .plain import batches, items, numbers
from .querysets import queryset
from .sql import aselect, select

__all__ = ["aselect", "batches", "csv_rows", "items", "lines", "numbers", "queryset", "select"]
