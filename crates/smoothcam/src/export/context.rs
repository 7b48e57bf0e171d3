//! Holds what every part of an exported map is written from.

use super::pictures::Pictures;
use super::settings::Export;
use crate::classifier::Classifier;
use crate::explain::request::Request;

/// A classifier, and the map that is to be exported with it.
pub(super) struct Context<'a> {
    pub(super) classifier: &'a Classifier,
    pub(super) request: &'a Request,
    pub(super) export: &'a Export,
    pub(super) pictures: Pictures<'a>,
}
