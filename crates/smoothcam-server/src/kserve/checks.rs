//! Checks what requests of both protocols have in common.

use crate::config::Limits;
use crate::rejection::Rejection;
use crate::request::options::Options;

/// Refuses a request whose options name a model, which the address names already.
pub(crate) fn check_no_model(options: &Options) -> Result<(), Rejection> {
    if options.model.is_some() {
        return Err(Rejection::bad("the address names the model, the options cannot"));
    }
    Ok(())
}

/// Refuses a request of no pictures, or of too many.
pub(crate) fn check_count(count: usize, limits: &Limits) -> Result<(), Rejection> {
    if count == 0 {
        return Err(Rejection::bad("there is no picture in the request"));
    }
    if count > limits.pictures {
        return Err(Rejection::bad(format!(
            "there are {count} pictures in the request, at most {} are allowed",
            limits.pictures
        ))
        .with_hint("send several requests"));
    }
    Ok(())
}
