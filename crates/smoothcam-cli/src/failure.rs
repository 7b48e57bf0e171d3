//! A run ends with an exit code, and an error is printed with its hint.

use std::io::Write;
use std::panic;
use std::process::ExitCode;

use smoothcam::{Error, ErrorKind, Result};

use crate::wording::worded;

/// The work itself failed.
const FAILURE: u8 = 1;
/// An option or a file cannot be used.
const BAD_INPUT: u8 = 2;

/// Runs a command. An error is printed on stderr, with a way out where one is known.
pub(crate) fn without_backtraces(
    command: impl FnOnce() -> Result<()> + panic::UnwindSafe,
) -> ExitCode {
    // Engines may panic on models that they do not support; this becomes an error.
    panic::set_hook(Box::new(|_| {}));
    match panic::catch_unwind(command) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            print_error(&error);
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
                .unwrap_or("it gave no cause");
            print_error(
                &Error::failure(format!("smoothcam itself failed: {cause}"))
                    .with_hint("this is a bug: please report it, with the command and the files"),
            );
            ExitCode::from(FAILURE)
        }
    }
}

/// Prints what is wrong with the arguments, or the help that they ask for.
pub(crate) fn of_usage(error: &clap::Error) -> ExitCode {
    /// The longest message that is printed as it is, in bytes: it repeats the argument.
    const LONGEST: usize = 4000;
    let text = error.render().to_string();
    if !error.use_stderr() || text.len() <= LONGEST {
        error.exit();
    }
    let message = text.split("\n\n").next().unwrap_or_default();
    print_error(&Error::input(message.trim_start_matches("error: ")));
    ExitCode::from(BAD_INPUT)
}

/// Prints an error and its hint on stderr, a line each.
pub(crate) fn print_error(error: &Error) {
    let hint = worded(error.hint()).map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    // If stderr is closed, there is still the exit code.
    let _ = write!(std::io::stderr(), "error: {error}\n{hint}");
}
