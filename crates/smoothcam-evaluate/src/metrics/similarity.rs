//! Computes how similar two maps are.

use ndarray::ArrayView2;

/// Computes Pearson's correlation, -1 to 1; 0 if one of the maps is constant.
pub(crate) fn correlation(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> f64 {
    let centred = |x: ArrayView2<'_, f64>| {
        let mean = x.mean().unwrap_or(0.0);
        x.mapv(|v| v - mean)
    };
    let (a, b) = (centred(a), centred(b));
    let norm = ((&a * &a).sum() * (&b * &b).sum()).sqrt();
    if norm > 0.0 { (&a * &b).sum() / norm } else { 0.0 }
}

/// Computes Spearman's rank correlation, -1 to 1; equal values have the mean of their ranks.
pub(crate) fn rank_correlation(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> f64 {
    let ranks = |x: ArrayView2<'_, f64>| {
        let values: Vec<f64> = x.iter().copied().collect();
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|i, j| values[*i].total_cmp(&values[*j]));
        let mut ranks = ndarray::Array2::zeros(x.raw_dim());
        let mut start = 0;
        while start < order.len() {
            let value = values[order[start]];
            let equal = order[start..].iter().take_while(|i| values[**i] == value).count();
            for i in &order[start..start + equal] {
                let columns = x.ncols();
                ranks[[i / columns, i % columns]] = start as f64 + (equal - 1) as f64 / 2.0;
            }
            start += equal;
        }
        ranks
    };
    correlation(ranks(a).view(), ranks(b).view())
}

/// Computes the structural similarity (Wang et al., IEEE TIP 2004), -1 to 1, of maps with values of 0 to
/// 1: with uniform windows of 7 x 7 pixels and sample covariances, the defaults of scikit-image.
pub(crate) fn ssim(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> f64 {
    const SIDE: usize = 7;
    const C1: f64 = 0.01 * 0.01;
    const C2: f64 = 0.03 * 0.03;
    let side = SIDE.min(a.nrows()).min(a.ncols());
    let count = (side * side) as f64;
    let windows = a.windows((side, side)).into_iter().zip(b.windows((side, side)));
    let of_window = |(a, b): (ArrayView2<'_, f64>, ArrayView2<'_, f64>)| {
        let (mean_a, mean_b) = (a.sum() / count, b.sum() / count);
        let moment = |x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>, means: f64| {
            (x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>() - count * means)
                / (count - 1.0).max(1.0)
        };
        let variances = moment(a, a, mean_a * mean_a) + moment(b, b, mean_b * mean_b);
        let covariance = moment(a, b, mean_a * mean_b);
        (2.0 * mean_a * mean_b + C1) * (2.0 * covariance + C2)
            / ((mean_a * mean_a + mean_b * mean_b + C1) * (variances + C2))
    };
    let values: Vec<f64> = windows.map(of_window).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn correlations_worked_by_hand() {
        let a = array![[1.0, 2.0, 3.0, 4.0]];
        for (b, pearson, spearman) in [
            (array![[2.0, 4.0, 6.0, 8.0]], 1.0, 1.0),
            (array![[4.0, 3.0, 2.0, 1.0]], -1.0, -1.0),
            (array![[1.0, 10.0, 100.0, 1000.0]], 0.823_2, 1.0),
            (array![[5.0, 5.0, 5.0, 5.0]], 0.0, 0.0),
            // Ranks 0, 1.5, 1.5, 3 against 0 to 3.
            (array![[0.0, 1.0, 1.0, 2.0]], 0.948_7, 0.948_7),
        ] {
            assert!((correlation(a.view(), b.view()) - pearson).abs() < 1e-3, "{b}");
            assert!((rank_correlation(a.view(), b.view()) - spearman).abs() < 1e-3, "{b}");
        }
    }

    #[test]
    fn similarity_of_structure() {
        let ramp = Array2::from_shape_fn((9, 9), |(y, x)| (y + 2 * x) as f64 / 24.0);
        assert!((ssim(ramp.view(), ramp.view()) - 1.0).abs() < 1e-12);
        let turned = ramp.mapv(|v| 1.0 - v);
        assert!(ssim(ramp.view(), turned.view()) < -0.3);
        // Without variance, only the means count.
        let (zero, half) = (Array2::zeros((7, 7)), Array2::from_elem((7, 7), 0.5));
        let expected = 1e-4 / (0.25 + 1e-4);
        assert!((ssim(zero.view(), half.view()) - expected).abs() < 1e-12);
    }
}
