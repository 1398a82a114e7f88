"""How long a cold `import dmagent` takes, and how long it takes from there until a node listens.

Each measurement is a fresh interpreter. What the interpreter itself needs to start is measured the same way and
printed for comparison; the figures of the package are beyond it.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile

ROUNDS = 15

IMPORT = """
import time
start = time.perf_counter()
import dmagent
print(1000 * (time.perf_counter() - start))
"""

LISTEN = """
import asyncio, sys, time
start = time.perf_counter()
import dmagent

async def main():
    async with dmagent.Node(project_dir=sys.argv[1]) as node:
        await node.info()
        print(1000 * (time.perf_counter() - start))

asyncio.run(main())
"""

NOTHING = """
import subprocess, sys, time
start = time.perf_counter()
subprocess.run([sys.executable, "-c", "pass"], check=True)
print(1000 * (time.perf_counter() - start))
"""


def median(program: str) -> float:
    """The median of what the program prints, in milliseconds."""
    figures = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-c", program, folder]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            figures.append(float(done.stdout))
    return statistics.median(figures)


def main() -> None:
    # Writes the byte code, which an installer does for its users.
    median(IMPORT)
    print(f"medians of {ROUNDS} fresh interpreters\n")
    print("| measure | ms | aim |\n|---|---|---|")
    print(f"| interpreter start, for comparison | {median(NOTHING):.1f} | |")
    print(f"| import dmagent | {median(IMPORT):.1f} | 15 |")
    print(f"| import to listening, new identity and database | {median(LISTEN):.1f} | 60 |")


if __name__ == "__main__":
    main()
