"""Data for the pages as script files: pages opened from disk may load nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.report.samples import SampleDetails
    from dataparams.web.excerpts import Excerpt

_ESCAPES = {sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def script_json(value: object) -> str:
    r"""JSON that means the same in a script, whatever page or markup surrounds it.

    Example:
        >>> script_json({"name": "</script><b> & co"})
        '{"name":"\\u003c/script\\u003e\\u003cb\\u003e \\u0026 co"}'
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for sign, escaped in _ESCAPES.items():
        text = text.replace(sign, escaped)
    return text


def chunk_script(pile: str, number: int, samples: Sequence[SampleDetails]) -> str:
    r"""The file that hands a chunk of a pile to the page.

    Example:
        >>> chunk_script("hard", 0, [])
        'registerChunk("hard",0,[]);\n'
    """
    records = script_json([vars(sample) for sample in samples])
    return f"registerChunk({script_json(pile)},{number},{records});\n"


def whole_record(index: int, whole: Excerpt | None) -> str:
    r"""All of a text or a row as a script names it.

    Example:
        >>> whole_record(7, None)
        '7:null'
    """
    return f"{index}:{script_json(None if whole is None else whole._asdict())}"


def whole_script(link: str, records: Sequence[str]) -> str:
    r"""The file that hands all of some texts or rows to the page.

    Example:
        >>> whole_script("class_0/whole_0.js", [whole_record(7, None)])
        'registerWhole("class_0/whole_0.js",{7:null});\n'
    """
    return f"registerWhole({script_json(link)},{{{','.join(records)}}});\n"
