//! Measures what saliency maps are worth: methods, layers and settings of [`smoothcam`] compared on a
//! classifier and a folder of pictures, by the metrics of the literature.

mod checks;
mod configuration;
mod data;
mod evaluation;
mod metrics;
mod picture;
mod records;
mod report;

pub use configuration::{Choices, Configuration};
pub use data::annotations::{Annotations, Mask, Object};
pub use data::dataset::{ClassSource, Item, read as read_pictures};
pub use evaluation::{Evaluation, Progress, spread};
pub use metrics::{Better, FAMILIES, Family, Measured, Metric, Options};
pub use picture::evaluated::Subject;
pub use picture::objects::Targets;
pub use picture::saliency_map::Heat;
pub use records::{Kind, Part, Record, Records};
pub use report::statistics::Estimate;
pub use report::summary::{Cell, Rank, Row, Summary, all_metrics};
pub use report::{Report, Shown, ShownPicture, csv, digits, html};
