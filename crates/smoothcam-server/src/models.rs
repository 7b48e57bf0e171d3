//! Holds the models that are served, each under its name.

use smoothcam::Explainer;

use crate::config::Model;
use crate::rejection::Rejection;

/// A model that is served.
pub(crate) struct ServedModel {
    pub(crate) name: String,
    pub(crate) explainer: &'static Explainer,
}

/// The models that are served: at least one.
pub(crate) struct Models(Vec<ServedModel>);

impl From<Model> for ServedModel {
    fn from(model: Model) -> ServedModel {
        // Models live as long as the process does, and so may what refers to them.
        ServedModel { name: model.name, explainer: Box::leak(Box::new(model.explainer)) }
    }
}

impl Models {
    pub(crate) fn new(models: Vec<Model>) -> Models {
        Models(models.into_iter().map(ServedModel::from).collect())
    }

    /// The model of this name, or the first where no name is given.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<&ServedModel, Rejection> {
        let Some(name) = name else { return Ok(&self.0[0]) };
        self.0.iter().find(|model| model.name == name).ok_or_else(|| {
            Rejection::not_found(format!("there is no model '{name}'"))
                .with_hint(format!("the models are {}", self.names().join(", ")))
        })
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|model| model.name.clone()).collect()
    }
}
