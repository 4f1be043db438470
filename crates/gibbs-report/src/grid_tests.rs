//! Tests of image grids, pixel by pixel.

use crate::grid::SEPARATOR;
use crate::{Color, ImageGrid, Picture, ReportError};

const GAP: Color = Color::new(1, 2, 3);

#[test]
fn every_pixel_lies_where_the_layout_says() {
    // Three images of 2 x 3 pixels with values 0/17, 1/17, ..., scale 4, margin 5, two columns.
    let images: Vec<f32> = (0..18).map(|i| i as f32 / 17.0).collect();
    let grid = ImageGrid::new(2, 3).columns(2).scale(4).margin(5).margin_color(GAP);
    let picture = grid.render(&images).unwrap();
    assert_eq!((picture.width(), picture.height()), (5 + 2 * 17, 5 + 2 * 13));
    for (i, value) in images.iter().enumerate() {
        let (image, row, col) = (i / 6, i % 6 / 3, i % 3);
        let (x, y) = (5 + image % 2 * 17 + 4 * col, 5 + image / 2 * 13 + 4 * row);
        let shade = Color::gray((value * 255.0).round() as u8);
        for (dx, dy) in [(0, 0), (3, 0), (0, 3), (3, 3)] {
            assert_eq!(picture.pixel((x + dx) as u32, (y + dy) as u32), shade, "value {i}");
        }
    }
    assert_eq!(picture.pixel(0, 0), GAP);
    assert_eq!(picture.pixel(17, 5), GAP);
    assert_eq!(picture.pixel(21, 17), GAP);
    assert_eq!(picture.pixel(30, 25), Color::WHITE, "the place without an image");
}

#[test]
fn values_are_clamped_and_broken_ones_shown() {
    let values = [-0.5, 1.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.5];
    let picture = ImageGrid::new(1, 6).scale(1).margin(0).render(&values).unwrap();
    let pixels: Vec<Color> = (0..6).map(|x| picture.pixel(x, 0)).collect();
    let broken = Color::NOT_FINITE;
    assert_eq!(pixels, [Color::BLACK, Color::WHITE, broken, broken, broken, Color::gray(128)]);
    let spins = ImageGrid::new(1, 2).scale(1).margin(0).range(-1.0, 1.0).render(&[-1.0, 0.0]).unwrap();
    assert_eq!((spins.pixel(0, 0), spins.pixel(1, 0)), (Color::BLACK, Color::gray(128)));
}

#[test]
fn sets_become_columns_or_rows() {
    let (a, b) = ([0.0, 0.2, 0.4], [0.6, 0.8, 1.0]);
    let grid = ImageGrid::new(1, 1).scale(1).margin(0);
    let columns = grid.render_columns(&[&a, &b]).unwrap();
    let rows = grid.render_rows(&[&a, &b]).unwrap();
    assert_eq!((columns.width(), columns.height()), (2, 3));
    assert_eq!((rows.width(), rows.height()), (3, 2));
    for i in 0..3u32 {
        assert_eq!(columns.pixel(0, i), Color::gray((a[i as usize] * 255.0f32).round() as u8));
        assert_eq!(columns.pixel(1, i), rows.pixel(i, 1));
    }
}

#[test]
fn labels_and_separators_move_the_images_and_stay_off_them() {
    let images = vec![0.0; 6 * 16];
    let plain = ImageGrid::new(4, 4).columns(3).scale(8).margin(4).margin_color(GAP);
    let bare = plain.render(&images).unwrap();
    let fancy = plain
        .clone()
        .separator_after(1)
        .separator_after(9)
        .column_labels(["a", "b", "c", "surplus"])
        .row_labels(["one", "two"])
        .corner("step")
        .render(&images)
        .unwrap();
    let (indent, top) = (fancy.width() - bare.width() - 8, fancy.height() - bare.height());
    assert!(indent > 20 && top == 20, "{indent} {top}");
    let black = |p: &Picture, x: u32, y: u32| {
        (0..32).all(|dx| (0..32).all(|dy| p.pixel(x + dx, y + dy) == Color::BLACK))
    };
    for row in 0..2 {
        for (column, shift) in [(0, 0), (1, 8), (2, 8)] {
            let (x, y) = (4 + column * 36, 4 + row * 36);
            assert!(black(&bare, x, y) && black(&fancy, indent + x + shift, top + y));
        }
    }
    let dark: Vec<u32> = (0..16).filter(|dx| fancy.pixel(indent + 36 + dx, top + 20) == SEPARATOR).collect();
    assert_eq!(dark, [5, 6], "the line stands in the middle between both columns");
    let ink = (0..top).any(|y| (indent..fancy.width()).any(|x| fancy.pixel(x, y).r < 80));
    assert!(ink, "column labels are there");
}

#[test]
fn what_does_not_fit_is_an_error() {
    let grid = ImageGrid::new(2, 2);
    for images in [&[][..], &[0.0; 3], &[0.0; 7]] {
        let message = grid.render(images).unwrap_err().to_string();
        assert!(message.contains("images of 2 x 2 pixels"), "{message}");
    }
    assert!(ImageGrid::new(0, 4).render(&[0.0; 4]).is_err());
    assert!(grid.render_columns(&[]).is_err());
    assert!(grid.render_columns(&[&[0.0; 8], &[0.0; 4]]).unwrap_err().to_string().contains("set 1"));
    assert!(matches!(grid.scale(1 << 20).render(&[0.0; 4]), Err(ReportError::TooLarge { .. })));
}

#[test]
fn a_default_picture_is_comfortably_large() {
    for (rows, cols, scale) in [(28, 28, 2), (4, 4, 14), (20, 20, 3), (28, 20, 2), (100, 100, 1)] {
        let picture = ImageGrid::new(rows, cols).margin(0).render(&vec![0.0; rows * cols]).unwrap();
        assert_eq!((picture.width(), picture.height()), ((cols * scale) as u32, (rows * scale) as u32));
    }
}

#[test]
fn captions_stand_below_their_images_and_move_the_rows_apart() {
    let images = vec![0.5; 4 * 9];
    let bare = ImageGrid::new(3, 3).scale(10).margin(2);
    let plain = bare.render(&images).unwrap();
    let picture =
        bare.clone().captions(["1", "", "", "a caption that is much too long"]).render(&images).unwrap();
    let line = (picture.height() - plain.height()) / 2;
    assert_eq!((picture.width(), line), (plain.width(), 17));
    let ink =
        |x: u32, y: u32| (0..line - 2).any(|dy| (0..30).any(|dx| picture.pixel(x + dx, y + dy).r < 0x80));
    assert!(ink(2, 34) && !ink(34, 34), "the second has none");
    assert!(!ink(2, 34 + 32 + line) && ink(34, 34 + 32 + line));
}
