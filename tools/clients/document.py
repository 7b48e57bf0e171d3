"""schemathesis: requests made from the OpenAPI document, right and wrong ones."""

import subprocess
import sys
import tempfile
from pathlib import Path

#: Pictures are bytes to the document: that arbitrary ones are refused is no fault.
EXCLUDED = "positive_data_acceptance"
#: Operations take milliseconds, but for what is explained.
EXAMPLES = 100


def document_and_answers_agree(url, *args):
    command = [
        Path(sys.executable).absolute().parent / "schemathesis",
        "run",
        f"{url}/openapi.json",
        "--checks=all",
        f"--exclude-checks={EXCLUDED}",
        f"--max-examples={EXAMPLES}",
        "--workers=1",
        "--seed=1",
        "--request-timeout=60",
        "--generation-database=none",
        "--no-color",
        *args,
    ]
    # It writes what it found to where it runs.
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]


CHECKS = [document_and_answers_agree]
