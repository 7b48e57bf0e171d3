//! Joins four pictures to one, and halves a picture's size.

use ndarray::Array3;

/// Joins four pictures (C, H, W), given row by row, to one of (C, 2 H, 2 W).
pub(super) fn join(pictures: &[Array3<f32>]) -> Array3<f32> {
    let (channels, rows, columns) = pictures.first().map_or((0, 0, 0), Array3::dim);
    Array3::from_shape_fn((channels, 2 * rows, 2 * columns), |(channel, y, x)| {
        pictures[2 * (y / rows) + x / columns][[channel, y % rows, x % columns]]
    })
}

/// Halves height and width: each pixel becomes the mean of 2 x 2 pixels.
pub(super) fn halve(picture: &Array3<f32>) -> Array3<f32> {
    let (channels, rows, columns) = picture.dim();
    Array3::from_shape_fn((channels, rows / 2, columns / 2), |(channel, y, x)| {
        let pixels = [(0, 0), (0, 1), (1, 0), (1, 1)];
        pixels.map(|(dy, dx)| picture[[channel, 2 * y + dy, 2 * x + dx]]).iter().sum::<f32>() / 4.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_joined_row_by_row() {
        let pictures: Vec<Array3<f32>> =
            (0..4).map(|i| Array3::from_elem((1, 2, 2), i as f32)).collect();
        let mosaic = join(&pictures);
        assert_eq!(mosaic.dim(), (1, 4, 4));
        assert_eq!((mosaic[[0, 0, 3]], mosaic[[0, 3, 0]], mosaic[[0, 3, 3]]), (1.0, 2.0, 3.0));
        let pixels = [0, 1, 2, 3].map(|i| Array3::from_elem((1, 1, 1), i as f32));
        assert_eq!(halve(&mosaic), join(&pixels));
    }
}
