//! Compares saliency maps of an image classifier on a folder of pictures, by the metrics of the literature.
//!
//! An [`Evaluation`] computes the maps of all [`Configuration`]s (methods, layers and noise) with
//! [`smoothcam`], measures them with the metrics of [`FAMILIES`], and stores the measurements in a
//! [`RecordFile`]. A [`Summary`] has the means, which [`csv`](csv()) and [`html`](html()) report.

mod checks;
mod configuration;
mod data;
mod evaluation;
mod metrics;
mod picture;
mod records;
mod report;

pub use configuration::{Combinations, Configuration};
pub use data::annotations::{Annotations, Mask, Object};
pub use data::classes::ClassSource;
pub use data::dataset::Dataset;
pub use data::picture_file::PictureFile;
pub use data::sample::evenly_spaced;
pub use evaluation::Evaluation;
pub use metrics::FAMILIES;
pub use metrics::evaluated_map::MetricOptions;
pub use metrics::family::MetricFamily;
pub use metrics::measurements::Measurements;
pub use metrics::metric::{Better, Metric};
pub use picture::classification::Classification;
pub use picture::evaluated::EvaluatedPicture;
pub use picture::objects::ObjectRegions;
pub use picture::saliency_map::SaliencyMap;
pub use records::file::RecordFile;
pub use records::record::{Record, RecordKind};
pub use report::comparison::Rank;
pub use report::contents::{Figure, FigureGroup, Report};
pub use report::csv::{csv, summary_csv};
pub use report::estimate::{Estimate, Interval};
pub use report::gallery::gallery;
pub use report::html::html;
pub use report::summary::{ClassSummary, Summary, SummaryCell, SummaryRow, all_metrics};
