"""What the server takes: names, ranges and limits of what requests say."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from dataparams.analysis.result import Category  # noqa: TC001 - pydantic reads it
from dataparams.decisions.class_changes import LONGEST_CLASS
from dataparams.decisions.notes import LONGEST_NOTE, LONGEST_TAG, MOST_TAGS
from dataparams.decisions.store import Action  # noqa: TC001 - pydantic reads it
from dataparams.review.standing import LONGEST_NAME, Wanted

MOST_DECISIONS = 20_000
"""Decisions in a request at most."""
MOST_DETAILED = 200
"""Samples whose details are given at once at most."""
MOST_NUMBERS = 100_000
"""Samples whose numbers alone are given at once at most."""
_LARGEST_NUMBER = 2**53

Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00]*$"
    ),
]
Number = Annotated[int, Field(ge=0, lt=_LARGEST_NUMBER)]
RequestName = Annotated[str, Field(min_length=8, max_length=100, pattern=r"^[0-9A-Za-z-]+$")]
Tag = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=LONGEST_TAG, pattern=r"^[^\x00]*$"
    ),
]


class DecisionRequest(BaseModel):
    """What is decided about a sample; only ``relabel`` has a label."""

    model_config = ConfigDict(extra="forbid")
    index: Number
    action: Action
    label: Number | None = None


class DecisionsRequest(BaseModel):
    """Decisions that are made together, and taken back together."""

    model_config = ConfigDict(extra="forbid")
    run: str
    request: RequestName
    annotator: Name
    audit: bool = False
    decisions: Annotated[list[DecisionRequest], Field(min_length=1, max_length=MOST_DECISIONS)]


class UndoRequest(BaseModel):
    """Take back the annotator's last decisions."""

    model_config = ConfigDict(extra="forbid")
    run: str
    request: RequestName
    annotator: Name


class NoteRequest(BaseModel):
    """What an annotator leaves on a sample, in place of what was left before."""

    model_config = ConfigDict(extra="forbid")
    run: str
    request: RequestName
    annotator: Name
    index: Number
    text: Annotated[str, Field(max_length=LONGEST_NOTE, pattern=r"^[^\x00]*$")] = ""
    tags: Annotated[list[Tag], Field(max_length=MOST_TAGS)] = []


class ClassRequest(BaseModel):
    """A class to add, or with ``label`` one to rename."""

    model_config = ConfigDict(extra="forbid")
    run: str
    request: RequestName
    annotator: Name
    name: Annotated[str, Field(min_length=1, max_length=LONGEST_CLASS)]
    label: Number | None = None


class SessionRequest(BaseModel):
    """The token of the printed address."""

    model_config = ConfigDict(extra="forbid")
    token: Annotated[str, Field(max_length=200)]


class FilterRequest(BaseModel):
    """A filter that is to have a name, as it stands in the page's address."""

    model_config = ConfigDict(extra="forbid")
    run: str
    name: Name
    address: Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")]
    annotator: Name


class ForgetRequest(BaseModel):
    """A named filter that is to be forgotten."""

    model_config = ConfigDict(extra="forbid")
    run: str
    name: Name


class RenewRequest(BaseModel):
    """Go on with the analysis that was written last."""

    model_config = ConfigDict(extra="forbid")
    run: str


class Problem(BaseModel):
    """What is wrong with one part of a request."""

    loc: list[str]
    msg: str
    type: str


class Refusal(BaseModel):
    """Why a request is refused."""

    detail: str | list[Problem]


class QueueQuery(BaseModel):
    """Which samples are wanted, and after which one."""

    model_config = ConfigDict(extra="forbid")
    annotator: Name = "nobody"
    decision: Wanted = "any"
    label: Number | None = None
    category: Annotated[list[Category], Field(max_length=3)] = []
    suggested: Number | None = None
    subgroup: Annotated[str, Field(max_length=1000)] | None = None
    outlier: bool = False
    split: Annotated[str, Field(max_length=1000)] | None = None
    assigned: bool = False
    search: Annotated[str, Field(max_length=200)] = ""
    near: Number | None = None
    finding: Number | None = None
    found: Annotated[str, Field(max_length=60, pattern=r"^[a-z_]+$")] | None = None
    after: Number | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_NUMBERS)] = MOST_DETAILED
