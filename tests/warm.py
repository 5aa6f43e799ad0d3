"""Imported before a fork: the command, with what it imports only when it is used wrongly for the first time."""

from typer.testing import CliRunner

from echowall.cli import app

CliRunner().invoke(app, ["check", "--only", "nothing"])
