"""Brings the options, the cases and the ``training`` fixture."""

pytest_plugins = ["suite.run.pytest_front.plugin"]
