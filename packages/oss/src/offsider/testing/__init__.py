"""What tests of applications and of plug-ins need. Imports no test runner: any of them can use it."""
