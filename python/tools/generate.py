"""Makes the generated Python files of the package from the schema of the facade.

Used as `python3 generate.py SCHEMA WHAT`, by `cargo xtask gen`; prints the file. It needs nothing but Python. `WHAT`
is `errors`, `types`, `records`, `shapes`, `verbs` or `sync_verbs`. `schema.py` reads, `layout.py` knows how Python looks,
and each `write_*.py` tells what is in its file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Nothing is left behind in the source tree.
sys.dont_write_bytecode = True

from schema import Schema
from write_errors import errors
from write_records import records
from write_shapes import shapes
from write_types import types
from write_verbs import verbs


def main() -> None:
    path, what = sys.argv[1:]
    schema = Schema(json.loads(Path(path).read_text(encoding="utf-8")))
    made = {
        "errors": lambda: errors(schema),
        "types": lambda: types(schema),
        "records": lambda: records(schema),
        "shapes": lambda: shapes(schema),
        "verbs": lambda: verbs(schema, is_async=True),
        "sync_verbs": lambda: verbs(schema, is_async=False),
    }[what]()
    # The bytes are the same on every system.
    sys.stdout.buffer.write(made.encode())


if __name__ == "__main__":
    main()
