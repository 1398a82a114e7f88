"""How much memory an open node adds to a Python process, and each idle peer to the node. Linux only."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PEERS = 100

# Peers live in a process of their own, so that only what they cost the one node is counted.
AS_PEERS = """
import asyncio, sys
import dmagent

async def main():
    nodes = []
    for _ in range(int(sys.argv[1])):
        node = await dmagent.Node.ephemeral(http=True).open()
        nodes.append(node)
        print((await node.info()).url, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await asyncio.gather(*(node.close() for node in nodes))

asyncio.run(main())
"""


def resident_kib() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


async def main() -> None:
    # asyncio itself is in the process before the package is.
    before = resident_kib()
    import dmagent

    imported = resident_kib()
    with tempfile.TemporaryDirectory() as folder:
        async with dmagent.Node(project_dir=folder, max_connections=PEERS + 1) as node:
            opened = resident_kib()
            command = [sys.executable, "-c", AS_PEERS, str(PEERS)]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peers:
                assert peers.stdin and peers.stdout
                for url in [peers.stdout.readline().strip() for _ in range(PEERS)]:
                    await node.connect(url)
                # Let connections that were needed for the handshakes only go.
                await asyncio.sleep(5)
                connected = resident_kib()
                peers.stdin.close()
    print("| measure | KiB | aim |\n|---|---|---|")
    print(f"| import | {imported - before} | |")
    print(f"| import and an open node | {opened - before} | {12 * 1024} |")
    print(f"| each idle peer, of {PEERS} | {(connected - opened) / PEERS:.0f} | 40 |")


if __name__ == "__main__":
    if Path("/proc/self/statm").exists():
        asyncio.run(main())
    else:
        print("This system does not tell memory in /proc; nothing was measured.")
