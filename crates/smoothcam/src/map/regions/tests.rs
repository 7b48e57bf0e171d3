use ndarray::{Array2, array};

use super::*;

/// The regions of a map over as many pixels.
fn found(map: &Array2<f32>, threshold: Threshold) -> Vec<Region> {
    let (rows, columns) = map.dim();
    let seen = Seen { x: 0.0, y: 0.0, width: columns as f64, height: rows as f64 };
    regions(map.view(), &seen, (columns as u32, rows as u32), threshold).unwrap()
}

fn rect(x: f64, y: f64, width: f64, height: f64) -> Rect {
    Rect { x, y, width, height }
}

#[test]
fn regions_are_what_is_connected_above_the_threshold() {
    let map = array![
        [0.0, 0.0, 0.0, 0.0, 8.0],
        [6.0, 0.4, 0.0, 8.0, 0.0],
        [6.0, 3.0, 5.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, -9.0],
    ];
    for (share, expected) in [
        // The valley of 3 connects them through its corner.
        (0.3, vec![(rect(0.0, 0.0, 5.0, 3.0), 6)]),
        // Above it there are two, the right one joined by corners alone.
        (0.6, vec![(rect(2.0, 0.0, 3.0, 3.0), 3), (rect(0.0, 1.0, 1.0, 2.0), 2)]),
        (0.8, vec![(rect(3.0, 0.0, 2.0, 2.0), 2)]),
    ] {
        let found = found(&map, Threshold::Share(share));
        let areas: Vec<(Rect, u64)> = found.iter().map(|r| (r.area(), r.pixels())).collect();
        assert_eq!(areas, expected, "{share}");
    }
    let two = found(&map, Threshold::Share(0.6));
    assert!((two[0].share - 21.0 / 36.4).abs() < 1e-6 && (two[1].share - 12.0 / 36.4).abs() < 1e-6);
    assert_eq!((two[0].peak, two[0].strength), ((4, 0), 1.0), "the first of equal ones");
    assert_eq!((two[1].peak, two[1].strength), ((0, 1), 0.75));
}

#[test]
fn a_ring_is_one_region_however_it_is_met() {
    let map = Array2::from_shape_fn((5, 7), |(y, x)| {
        f32::from(u8::from(y == 0 || y == 4 || x == 0 || x == 6 || (x == 3 && y < 3)))
    });
    let ring = found(&map, Threshold::default());
    assert_eq!(ring.len(), 1);
    assert_eq!(ring[0].pixels(), 22);
    assert!((ring[0].share - 1.0).abs() < 1e-9);
}

#[test]
fn no_evidence_and_specks_are_no_regions() {
    assert!(found(&array![[0.0, -1.0]], Threshold::default()).is_empty());
    assert!(found(&array![[0.0, 0.0]], Threshold::Otsu).is_empty());
    let mut map = Array2::from_elem((10, 40), 0.0);
    map.rows_mut().into_iter().take(3).for_each(|mut row| row.fill(1.0));
    map[[9, 0]] = 1.0;
    assert_eq!(found(&map, Threshold::default()).len(), 1);
}

#[test]
fn a_picture_seen_in_part_has_regions_there() {
    let seen = Seen { x: 2.0, y: 1.0, width: 4.0, height: 2.0 };
    let found = regions(array![[0.0, 1.0]].view(), &seen, (8, 4), Threshold::Share(0.9)).unwrap();
    assert_eq!(found[0].area(), rect(5.0, 1.0, 1.0, 2.0));
}

#[test]
fn the_maximum_counts_where_the_picture_is() {
    // The strongest cell lies in padding, above the picture.
    let seen = Seen { x: 0.0, y: -4.0, width: 4.0, height: 8.0 };
    let map = array![[9.0, 9.0], [9.0, 9.0], [0.0, 1.0], [0.0, 0.0]];
    let found = regions(map.view(), &seen, (4, 4), Threshold::Share(0.9)).unwrap();
    assert!(!found.is_empty());
    assert_eq!(found[0].strength, 1.0);
}

#[test]
fn shares_are_between_0_and_1() {
    let seen = Seen { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };
    for share in [0.0, 1.0, -0.5, f32::NAN] {
        let found = regions(array![[1.0]].view(), &seen, (1, 1), Threshold::Share(share));
        assert!(found.unwrap_err().to_string().contains("threshold"), "{share}");
    }
}

#[test]
fn otsu_parts_two_groups() {
    // Values about 0.1 and about 0.9 of the maximum: any threshold between parts them.
    let map = array![[0.1, 0.11, 0.12, 0.1, 0.9, 1.0, 0.88, 0.9]];
    let found = found(&map, Threshold::Otsu);
    assert_eq!(found[0].area(), rect(4.0, 0.0, 4.0, 1.0));
    assert_eq!(found.len(), 1);
}

#[test]
fn coco_counts_down_the_columns() {
    for (map, expected) in [
        (array![[0.0], [0.0], [1.0], [1.0], [1.0], [0.0], [1.0]], vec![2, 3, 2]),
        (array![[1.0, 1.0], [1.0, 1.0]], vec![0, 4, 0]),
        (array![[0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]], vec![1, 1, 1, 2, 4]),
        (array![[1.0, 0.0], [1.0, 0.0]], vec![0, 2, 2]),
    ] {
        let region = found(&map, Threshold::default()).remove(0);
        let (rows, columns) = map.dim();
        assert_eq!(region.coco_counts((columns as u32, rows as u32)), expected, "{map}");
    }
}

#[test]
fn rectangles_overlap() {
    let a = rect(0.0, 0.0, 4.0, 2.0);
    for (b, expected) in [
        (a, 1.0),
        (rect(2.0, 0.0, 4.0, 2.0), 4.0 / 12.0),
        (rect(1.0, 0.5, 2.0, 1.0), 2.0 / 8.0),
        (rect(4.0, 0.0, 4.0, 2.0), 0.0),
        (rect(9.0, 9.0, 0.0, 0.0), 0.0),
    ] {
        assert!((a.iou(&b) - expected).abs() < 1e-12, "{b:?}");
        assert!((b.iou(&a) - expected).abs() < 1e-12, "{b:?}");
    }
}

#[test]
fn thresholds_are_read() {
    for (text, expected) in [
        ("0.5", Some(Threshold::Share(0.5))),
        ("OTSU", Some(Threshold::Otsu)),
        ("0", None),
        ("1", None),
        ("nan", None),
        ("half", None),
    ] {
        assert_eq!(text.parse().ok(), expected, "{text}");
    }
}
