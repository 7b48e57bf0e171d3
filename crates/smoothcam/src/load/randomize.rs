//! Weights are put in random order, so that a network forgets what it learnt.

use onnx_grad::{Graph, Tensor};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Puts the weights of each of the topmost matrices and kernels in random order: of this share (0 to 1) of them, at least
/// of one.
pub(super) fn randomize(graph: &mut Graph, share: f64, seed: u64) {
    let matrices = graph.weight_matrices_from_last();
    let count = (share * matrices.len() as f64).ceil().max(1.0) as usize;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for matrix in matrices.into_iter().take(count) {
        let content = graph.content(matrix);
        let weights = content.and_then(|t| Some((t.shape().to_vec(), t.to_f32s()?)));
        let Some((shape, mut weights)) = weights else { continue };
        weights.shuffle(&mut random);
        if let Some(shuffled) = Tensor::from_f32s(&shape, &weights) {
            graph.replace_constant(matrix, shuffled);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Explainer, Limits, Method, Picture, Settings, TargetSpec};

    #[test]
    fn a_network_forgets_from_the_top() {
        let cat = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cat.png");
        let cat = Picture::open(cat, &Limits::default()).unwrap();
        let settings = Settings {
            method: "grad-cam".parse::<Method>().unwrap(),
            targets: vec![TargetSpec::class(281)],
            ..Settings::default()
        };
        let explain = |share: Option<f64>| {
            let builder = Explainer::builder();
            let builder = share.into_iter().fold(builder, |b, share| b.randomize_top(share, 1));
            builder.build().unwrap().explain(&cat, &settings).unwrap()
        };
        let [trained, top, whole] = [None, Some(0.0), Some(1.0)].map(explain);
        assert_eq!(trained.activations, top.activations, "only the classes' weights are others");
        assert_ne!(trained.scores, top.scores);
        assert_ne!(trained.activations, whole.activations);
        assert_eq!(whole.scores, explain(Some(1.0)).scores, "not the same for the same seed");
        let size = |e: &crate::Explanation| e.scores.iter().map(|s| s * s).sum::<f32>().sqrt();
        assert!((0.1..10.0).contains(&(size(&top) / size(&trained))), "{}", size(&top));
    }
}
