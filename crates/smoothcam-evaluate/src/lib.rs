//! Measures what saliency maps are worth: methods, layers and settings of [`smoothcam`] compared on a
//! classifier and a folder of pictures, by the metrics of the literature.

mod annotations;
mod configuration;
mod dataset;
mod evaluation;
mod files;
mod forgotten;
mod gallery;
mod heat;
mod metrics;
mod mosaic;
mod objects;
mod records;
mod report;
mod statistics;
mod subject;
mod summary;

pub use annotations::{Annotations, Mask, Object};
pub use configuration::{Choices, Configuration};
pub use dataset::{ClassSource, Item, read as read_pictures};
pub use evaluation::{Evaluation, Progress, spread};
pub use heat::Heat;
pub use metrics::{Better, FAMILIES, Family, Measured, Metric, Options};
pub use objects::Targets;
pub use records::{Kind, Part, Record, Records};
pub use report::{Report, Shown, ShownPicture, csv, digits, html};
pub use statistics::Estimate;
pub use subject::Subject;
pub use summary::{Cell, Rank, Row, Summary, all_metrics};
