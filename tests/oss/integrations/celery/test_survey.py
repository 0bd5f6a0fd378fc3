"""What of a program's use of Celery has to be written otherwise: found by reading it, with what to write instead."""

from __future__ import annotations

from pathlib import Path

from offsider.integrations.celery import survey

PROGRAM = """\
from celery import Celery, chain, shared_task
from celery.schedules import crontab

app = Celery("shop", broker="redis://")
app.conf.beat_schedule = {"nightly": {"schedule": crontab(hour=3)}}
app.conf.update(task_routes={"x": "y"}, result_backend=None)
CELERY_TASK_ALWAYS_EAGER = True

@app.task(bind=True, rate_limit=None, acks_late=True)
def one(self):
    self.retry(countdown=5)
    session.retry()

@shared_task(rate_limit="10/m", queue="mail")
def two(): ...

one.delay(1)
one.apply_async((1,), countdown=5, priority=3)
chain(one.s(1), two.si())()
"""


def test_what_tasks_does_not_take_over_is_found_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "tasks.py").write_text(PROGRAM, "utf-8")
    (tmp_path / "other.py").write_text("def chain(*a): ...\nchain(1)\n", "utf-8")
    found = survey([tmp_path])
    assert {Path(use.file).name for use in found} == {"tasks.py"}, "others do not use Celery"
    assert [(use.line, use.what) for use in found] == [
        (5, "beat_schedule = …"),
        (5, "crontab(…)"),
        (6, "task_routes=…"),
        (6, "result_backend=…"),
        (7, "CELERY_TASK_ALWAYS_EAGER = …"),
        (9, "bind=True"),
        (11, ".retry(…)"),
        (14, "rate_limit='10/m'"),
        (18, "priority=3"),
        (19, "chain(…)"),
        (19, ".s(…)"),
        (19, ".si(…)"),
    ]
    assert str(found[5]).endswith("tasks.py:9: bind=True: " + found[5].advice)
    assert found[5].to_dict()["line"] == 9


def test_a_file_that_is_no_python_is_told(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_text("import celery\nprint 'two'\n", "utf-8")
    (use,) = survey([str(path)])
    assert (use.line, use.what) == (2, "not Python")
