"""Measures the server's latencies and attacks it: see bench/load."""

import asyncio
import sys

import attack
import latency


def main():
    """Runs the parts that the arguments name; returns whether faults were found."""
    what = sys.argv[1] if len(sys.argv) > 1 else "all"
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else None
    if what in ("all", "latency"):
        latency.run(seconds or 10)
    if what in ("all", "attack"):
        return asyncio.run(attack.run(seconds or 120))
    return 0


sys.exit(main())
