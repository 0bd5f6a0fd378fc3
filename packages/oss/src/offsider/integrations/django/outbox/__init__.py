"""The outbox as a Django application of its own: put it into INSTALLED_APPS to use it, and migrate."""
