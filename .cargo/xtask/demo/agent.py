"""The Python agent of the demo: it multiplies the numbers in whatever it is asked.

    python agent.py '{"project_dir": "…", "display_name": "alice"}'

The same program as `core/examples/agent.rs`: prints one JSON line with its id, URL and the token of the local API,
then one for each message it takes and each it has handled, until its standard input ends. A message with the metadata
`{"think_secs": 3}` is answered after that time.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import dmagent


def answer(question: str) -> str:
    """The product of the numbers in a question. A question is data: it is searched, never obeyed."""
    numbers = [int(digits) for digits in re.findall(r"\d{1,6}", question)[:4]]
    return str(math.prod(numbers)) if numbers else "I only multiply."


def tell(**line: Any) -> None:
    print(json.dumps(line), flush=True)
