//! Selects the annotated objects that belong to the explained class.

use std::collections::HashMap;

use smoothcam::Explainer;

use crate::data::annotations::{Annotations, Object};
use crate::data::picture_file::PictureFile;
use crate::picture::evaluated::EvaluatedPicture;
use crate::picture::objects::ObjectRegions;

/// The annotated objects, and the classes that their categories stand for.
pub(super) struct ClassObjects<'a> {
    annotations: &'a Annotations,
    /// The categories that are named exactly as a class, or by its WordNet id, whatever their case.
    classes: HashMap<&'a str, usize>,
}

impl<'a> ClassObjects<'a> {
    pub(super) fn new(annotations: &'a Annotations, explainer: &Explainer) -> ClassObjects<'a> {
        let class = |category: &str| {
            let class = explainer.class(category).ok()?;
            let mut names = explainer.label(class).into_iter().chain(explainer.wordnet_id(class));
            names.any(|name| name.eq_ignore_ascii_case(category)).then_some(class)
        };
        let classes = annotations.categories().into_iter().filter_map(|c| Some((c, class(c)?)));
        ClassObjects { annotations, classes: classes.collect() }
    }

    /// Returns the regions of the explained class; `None` if the picture is not annotated or its input
    /// shows no such objects.
    ///
    /// A category stands for a class if it has the same name, or if it is the name of the folder from which
    /// the picture has its class. If no category stands for a class, all objects count.
    pub(super) fn regions(
        &self,
        file: &PictureFile,
        picture: &EvaluatedPicture<'_>,
    ) -> Option<ObjectRegions> {
        let objects = self.annotations.of(&file.name)?;
        let (folder, class) = (file.folder_name(), picture.classification().class);
        let is_of_class = |o: &&Object| {
            let by_folder = file.class == Some(class) && o.category == folder;
            by_folder || self.classes.get(o.category.as_str()) == Some(&class)
        };
        let named_as_folder = objects.iter().any(|o| o.category == folder);
        let chosen: Vec<&Object> = if !self.classes.is_empty() || named_as_folder {
            objects.iter().filter(is_of_class).collect()
        } else {
            objects.iter().collect()
        };
        ObjectRegions::new(&chosen, &picture.study().seen(), picture.size())
    }
}
