"""The command line: a file per verb, none of which computes anything itself."""

from dataparams.cli.main import COMMANDS, main, main_of_script

__all__ = ["COMMANDS", "main", "main_of_script"]
