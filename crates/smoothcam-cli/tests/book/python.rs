//! Compiles the Python of the documentation, where there is a Python.

use std::process::Command;

use crate::pages::root;

#[test]
fn python_blocks_compile() {
    let script = root().join("tools/check_book.py");
    let Ok(done) = Command::new("python3").arg(script).output() else { return };
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}
