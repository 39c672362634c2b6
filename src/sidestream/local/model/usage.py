"""Token counts: an estimate that only has to be positive, stable, and larger for longer texts."""

import json
from typing import Any

_CHARS_PER_TOKEN = 4


def estimate_tokens(*documents: Any) -> int:
    """About how many tokens these JSON values would be."""
    chars = sum(len(json.dumps(document, ensure_ascii=False)) for document in documents if document)
    return chars // _CHARS_PER_TOKEN + 1
