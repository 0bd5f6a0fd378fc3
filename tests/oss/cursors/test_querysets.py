"""Walks through Django's querysets, on a real SQLite, in a process that is Django's alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[],
)
django.setup()
from django.db import connection, models


class User(models.Model):
    name = models.CharField(max_length=20, unique=True)

    class Meta:
        app_label = "shop"
        ordering = ["-name"]


with connection.schema_editor() as editor:
    editor.create_model(User)
rows = [(number, f"user {number:02}") for number in (1, 2, 3, 5, 8, 13, 21)]
User.objects.bulk_create([User(id=number, name=name) for number, name in reversed(rows)])

from offsider import cursors
from offsider.errors import InvalidArguments

for page in (1, 2, 7, 100):
    assert [(one.id, one.name) for one, _ in cursors.queryset(User.objects.all(), page=page)] == rows
    for place, (number, _name) in enumerate(rows):
        rest = cursors.queryset(User.objects.all(), after=number, page=page)
        assert [cursor for _one, cursor in rest] == [one for one, _ in rows[place + 1 :]]
some = User.objects.filter(id__gt=3)
assert [cursor for _one, cursor in cursors.queryset(some, by="name", after="user 08")] == ["user 13", "user 21"]
seen = []
for one, cursor in cursors.queryset(User.objects.all(), page=1):
    seen.append(cursor)
    if cursor == 21:
        User.objects.create(id=34, name="late")
assert seen[-2:] == [21, 34], seen
try:
    list(cursors.queryset(User.objects.all(), page=0))
except InvalidArguments as error:
    print(error)
"""


def test_objects_go_on_after_each_of_them(tmp_path: Path) -> None:
    pytest.importorskip("django")
    run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "page is 0: expected 1 or more objects in a query\n"


def test_nothing_of_django_or_sqlalchemy_is_imported_before_it_is_used() -> None:
    program = "import sys; from offsider import cursors; print({'django', 'sqlalchemy'} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
