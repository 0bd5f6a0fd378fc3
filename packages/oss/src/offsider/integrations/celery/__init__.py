"""From Celery, one step after the other: tasks that become jobs, and what waits in Celery's queues.

Nothing of Celery is imported: the new program need not have it.
"""

from __future__ import annotations

from .drain import Drain, Drained
from .survey import Use, survey
from .tasks import Sent, Task, Tasks

__all__ = ["Drain", "Drained", "Sent", "Task", "Tasks", "Use", "survey"]
