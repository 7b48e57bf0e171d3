//! `smoothcam ops`: the operators that the gradient passes.

use smoothcam::Result;

use crate::table::{print, table};

pub(crate) fn run() -> Result<()> {
    let mut rows = vec![vec!["operator".to_owned(), "gradient".to_owned()]];
    rows.extend(smoothcam::operators().map(|(op, how)| vec![op.to_owned(), how.to_owned()]));
    print(&table(&rows))
}
