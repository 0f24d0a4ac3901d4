"""The targets of an export, by the names that the command line gives them."""

from __future__ import annotations

from dataparams.export.cleanlab_studio import write_cleanlab_studio

TARGETS = {
    "cleanlab-studio": write_cleanlab_studio,
}
"""What writes each target; see there for the source of its format."""
