"""Compute features of numbered texts, slowly; print how many were encoded and what came of it."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from dataparams.encoders import extraction
from dataparams.encoders.feature_cache import FeatureCache
from dataparams.encoders.features import features_of
from dataparams.errors import UserError
from toy_encoders import LetterEncoder, letters_of, numbered_texts, texts

if __name__ == "__main__":
    folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
    count = options["count"]
    extraction._SECONDS_OF_A_PIECE = options.get("seconds_of_a_piece", 0.05)
    if "most_bytes" in options:
        resource.setrlimit(resource.RLIMIT_FSIZE, (options["most_bytes"], resource.RLIM_INFINITY))
    encoder = LetterEncoder(seconds=options.get("seconds", 0.0))
    words = numbered_texts(count)

    def show(done: int, _: int) -> None:
        print("done", done, flush=True)

    try:
        features = features_of(
            texts(*words), range(count), encoder, FeatureCache(folder), on_progress=show
        )
    except UserError as error:
        print(json.dumps({"error": str(error), "code": error.exit_code}))
        sys.exit(error.exit_code)
    is_right = all((features.values[row] == letters_of(words[row])).all() for row in range(count))
    print(json.dumps({"encoded": len(encoder.encoded), "is_right": is_right}))
