"""Makes the generated files of the npm package from the schema of the facade.

Used as `python3 generate.py SCHEMA WHAT`, by `cargo xtask gen`; prints the file. It needs nothing but Python. `WHAT`
is `errors`, `shapes`, `error_types`, `records`, `settings` or `verbs`. The schema is read as for the Python package;
`script.py` knows how JavaScript and TypeScript look, and each `write_*.py` tells what is in its file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Nothing is left behind in the source tree.
sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parents[2] / "python" / "tools"))

from schema import Schema
from write_failures import error_types, failures
from write_interfaces import interfaces
from write_methods import methods
from write_settings import settings
from write_tables import tables


def main() -> None:
    path, what = sys.argv[1:]
    schema = Schema(json.loads(Path(path).read_text(encoding="utf-8")))
    made = {
        "errors": failures,
        "shapes": tables,
        "error_types": error_types,
        "records": interfaces,
        "settings": settings,
        "verbs": methods,
    }[what](schema)
    # The bytes are the same on every system.
    sys.stdout.buffer.write(made.encode())


if __name__ == "__main__":
    main()
