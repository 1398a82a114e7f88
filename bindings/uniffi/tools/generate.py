"""Makes the generated Rust files of the uniffi binding from the schema of the facade.

Used as `python3 generate.py SCHEMA WHAT`, by `cargo xtask gen`; prints the file, which rustfmt then brings into form. It
needs nothing but Python. `WHAT` is `codes`, `records`, `arguments`, `settings`, `events` or `verbs`. The schema is read as
for the Python package; `rust.py` knows how Rust looks, and each `write_*.py` tells what is in its file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Nothing is left behind in the source tree.
sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parents[3] / "python" / "tools"))

from schema import Schema
from write_codes import codes
from write_types import arguments, events, records, settings
from write_nouns import verbs


def main() -> None:
    path, what = sys.argv[1:]
    schema = Schema(json.loads(Path(path).read_text(encoding="utf-8")))
    made = {
        "codes": codes,
        "records": records,
        "arguments": arguments,
        "settings": settings,
        "events": events,
        "verbs": verbs,
    }[what](schema)
    # The bytes are the same on every system.
    sys.stdout.buffer.write(made.encode())


if __name__ == "__main__":
    main()
