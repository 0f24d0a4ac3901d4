"""The command line: a file per verb, which reads its flags and calls the rooms below."""

from dataparams.cli.main import COMMANDS, main, main_of_script

__all__ = ["COMMANDS", "main", "main_of_script"]
