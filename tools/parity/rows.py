"""Stores a row for each network and exporter, and tells which rows these scripts would make again."""

import ast
import hashlib
import json
import pathlib

from networks import MODULES

HERE = pathlib.Path(__file__).resolve().parent
STORE = HERE / "rows.jsonl"
SHARED = ["build", "compare", "condition", "reference"]


def key(row):
    """Returns what identifies a row."""
    return row["source"], row["model"], row["exporter"]


def version(source):
    """Returns a hash of the scripts that determine the rows of a source, whatever their comments and docstrings say."""
    files = [HERE / f"{module}.py" for module in [*SHARED, MODULES[source]]]
    return hashlib.sha256("\n".join(map(code, files)).encode()).hexdigest()[:8]


def code(path):
    """Returns a script without comments, docstrings and formatting."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def current(row):
    """Tells whether the scripts that made a row are the present ones."""
    return row["script"] == version(row["source"])


def read():
    """Reads all rows."""
    lines = STORE.read_text().splitlines() if STORE.exists() else []
    return {key(row): row for row in map(json.loads, lines)}


def add(row):
    """Stores a row in place of the previous one."""
    rows = read() | {key(row): row}
    temporary = STORE.with_suffix(".tmp")
    temporary.write_text("".join(json.dumps(rows[k], sort_keys=True) + "\n" for k in sorted(rows)))
    temporary.replace(STORE)
