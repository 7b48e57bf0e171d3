//! Caches the pictures of the last requests with the passes that were run for them, as many as memory allows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smoothcam::Decoding;

use crate::config::Limits;
use crate::models::ServedModel;
use crate::pictures::prepared::PreparedPicture;
use crate::pictures::sent::SentPicture;
use crate::rejection::Rejection;

/// The pictures of the last requests.
pub(crate) struct PictureCache {
    /// The most recently used last.
    entries: Mutex<Vec<Entry>>,
    /// The most memory that the pictures may take, in bytes.
    max_bytes: usize,
    /// The limits of pictures.
    pub(crate) limits: smoothcam::Limits,
}

struct Entry {
    key: Key,
    picture: Arc<PreparedPicture>,
    /// The picture's memory when it was last known.
    bytes: usize,
}

/// A model's name, the SHA-256 of what was sent, and how that was decoded.
type Key = (String, [u8; 32], Decoding);

impl PictureCache {
    pub(crate) fn new(limits: &Limits) -> PictureCache {
        let pictures =
            smoothcam::Limits { max_bytes: limits.body as u64, max_pixels: limits.pixels };
        PictureCache { entries: Mutex::default(), max_bytes: limits.cache, limits: pictures }
    }

    /// The picture made ready for the model: from the cache, or else decoded and preprocessed now.
    ///
    /// # Errors
    /// If what was sent is not a picture, or the model cannot take it.
    pub(crate) fn get(
        &self,
        model: &ServedModel,
        sent: &SentPicture,
        decoding: &Decoding,
    ) -> Result<Arc<PreparedPicture>, Rejection> {
        let decoding = Decoding { limits: self.limits, ..*decoding };
        let key = (model.name.clone(), sent.hash(), decoding);
        let picture = match self.find(&key) {
            Some(picture) => picture,
            None => {
                let photo = sent.decode(model.explainer, &decoding)?;
                let picture =
                    Arc::new(PreparedPicture::new(model.explainer, &photo, self.max_bytes)?);
                self.insert(key, picture.clone());
                picture
            }
        };
        // A request of many pictures must not wait for its end.
        self.tidy();
        Ok(picture)
    }

    /// Drops the pictures that have not been used for longest, until the others are within the memory allowed.
    pub(crate) fn tidy(&self) {
        let mut entries = self.entries();
        for entry in entries.iter_mut() {
            // Where passes are run just now, the request that runs them tidies up afterwards.
            entry.bytes = entry.picture.bytes();
        }
        let mut bytes: usize = entries.iter().map(|entry| entry.bytes).sum();
        let mut surplus = 0;
        while bytes > self.max_bytes && surplus < entries.len() {
            bytes -= entries[surplus].bytes;
            surplus += 1;
        }
        entries.drain(..surplus);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries().len()
    }

    /// The cached picture of a key, which becomes the most recently used.
    fn find(&self, key: &Key) -> Option<Arc<PreparedPicture>> {
        let mut entries = self.entries();
        let at = entries.iter().position(|entry| entry.key == *key)?;
        let entry = entries.remove(at);
        let picture = entry.picture.clone();
        entries.push(entry);
        Some(picture)
    }

    fn insert(&self, key: Key, picture: Arc<PreparedPicture>) {
        let mut entries = self.entries();
        // Another request may have prepared the same picture meanwhile.
        if !entries.iter().any(|entry| entry.key == key) {
            entries.push(Entry { key, picture, bytes: 0 });
        }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use smoothcam::Explainer;

    use super::*;

    #[test]
    fn the_cache_is_bounded_even_if_no_passes_are_run() {
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/digits/model.onnx");
        let explainer = Explainer::builder().model(model).build().unwrap();
        let model =
            ServedModel { name: "digits".into(), explainer: Box::leak(Box::new(explainer)) };
        let cache = PictureCache::new(&Limits { cache: 1_200_000, ..Limits::default() });
        let cat = include_bytes!("../../../../examples/cat.png");
        let whole = Decoding::default();
        // Bytes after a PNG's end make it another picture, and are not looked at.
        let sent = |i: u8| SentPicture::File([&cat[..], &[i]].concat().into());
        for i in 0..5 {
            cache.get(&model, &sent(i), &whole).unwrap();
        }
        // 451 x 300 pixels and 3 x 96 x 96 floats take half a megabyte.
        assert_eq!(cache.len(), 2);
        let again = cache.get(&model, &sent(4), &whole).unwrap();
        assert!(Arc::ptr_eq(&again, &cache.get(&model, &sent(4), &whole).unwrap()));
    }
}
