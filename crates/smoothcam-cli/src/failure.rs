//! How a run ends: the exit code, and what is said about an error.

use std::io::Write;
use std::panic;
use std::process::ExitCode;

use smoothcam::{Error, ErrorKind, Result};

use crate::wording::worded;

/// The work itself failed.
const FAILURE: u8 = 1;
/// What was asked for, or a file that was given, cannot be used.
const BAD_INPUT: u8 = 2;

/// Runs a command. Errors are told on stderr, with a way out where there is one.
pub(crate) fn without_backtraces(
    command: impl FnOnce() -> Result<()> + panic::UnwindSafe,
) -> ExitCode {
    // Engines may panic on models that they do not handle; that is caught and told as an error.
    panic::set_hook(Box::new(|_| {}));
    match panic::catch_unwind(command) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            tell(&error);
            ExitCode::from(match error.kind() {
                ErrorKind::Input => BAD_INPUT,
                ErrorKind::Failure => FAILURE,
            })
        }
        Err(cause) => {
            let cause = cause
                .downcast_ref::<String>()
                .map(String::as_str)
                .or(cause.downcast_ref::<&str>().copied())
                .unwrap_or("no cause given");
            tell(
                &Error::failure(format!("smoothcam itself failed: {cause}"))
                    .with_hint("this is a bug: please report it, with the command and the files"),
            );
            ExitCode::from(FAILURE)
        }
    }
}

fn tell(error: &Error) {
    let hint = worded(error.hint()).map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    // Where nobody listens, the exit code still tells.
    let _ = write!(std::io::stderr(), "error: {error}\n{hint}");
}
