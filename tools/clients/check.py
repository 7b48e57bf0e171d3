"""Checks `smoothcam serve` with independent clients: those of KServe and Triton, schemathesis, and plain HTTP.

    cargo build --release
    python3 -m venv target/clients && target/clients/bin/pip install -r tools/clients/requirements.txt
    target/clients/bin/python tools/clients/check.py [WORD]

With a WORD, only checks whose names contain it are run. Prints a line for each check, and `N passed, M failed`.
"""

import sys
import time
import traceback

import document
import kserve_clients
import plain
import triton
from server import serving


def main():
    """Runs the checks; returns whether one failed."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    passed = failed = 0
    with serving() as (_, url):
        for module in (plain, kserve_clients, triton, document):
            for check in module.CHECKS:
                name = f"{module.__name__}: {check.__name__.replace('_', ' ')}"
                if word not in name:
                    continue
                started = time.monotonic()
                try:
                    check(url)
                    passed, outcome = passed + 1, "ok"
                except Exception:
                    failed, outcome = failed + 1, f"FAILED\n{traceback.format_exc()}"
                print(f"{name} ({time.monotonic() - started:.1f} s): {outcome}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
