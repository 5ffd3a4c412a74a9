use image::codecs::jpeg::JpegEncoder;

use super::*;

/// Bytes that look like nothing: what is closed does.
fn noise(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 24).unwrap()
    };
    (0..len).map(|_| next()).collect()
}

fn picture(bytes: &[u8], level: EcLevel) -> GrayImage {
    let png = Code::of(bytes, level).unwrap().png();
    image::load_from_memory(&png).unwrap().to_luma8()
}

/// A paper as a telephone sees it: turned a little, leaning back, on a grey table, blurred and noisy.
fn photo(paper: &GrayImage, side: u32, seed: u32) -> GrayImage {
    let (width, _) = paper.dimensions();
    let grain = noise(usize::try_from(side * side).unwrap(), seed);
    let seen = GrayImage::from_fn(side, side, |x, y| {
        // Back from the photo to the paper, in thousandths.
        let (half, at) = (i64::from(side) / 2, |of: u32| {
            i64::from(of) - i64::from(side) / 2
        });
        let (dx, dy) = (at(x), at(y));
        let lean = 1_000 + dy * 60 / half;
        let (sin, cos) = (70, 998);
        let scale = 1_180 * i64::from(width) / i64::from(side);
        let turn =
            |a: i64, b: i64| (a * cos + b * sin) * scale / lean / 1_000 + i64::from(width) / 2;
        let (u, v) = (turn(dx, dy), turn(dy, -dx));
        let point = u32::try_from(u).ok().zip(u32::try_from(v).ok());
        let shade = point.and_then(|(u, v)| paper.get_pixel_checked(u, v));
        let shade = shade.map_or(150, |point| 40 + point.0[0] / 255 * 170);
        let index = usize::try_from(y * side + x).unwrap();
        Luma([shade.saturating_sub(grain[index] / 12)])
    });
    imageops::blur(&seen, 0.8)
}

fn as_jpeg(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 80);
    picture.write_with_encoder(encoder).unwrap();
    bytes
}

fn found(bytes: &[u8]) -> Vec<Vec<u8>> {
    read(Path::new("photo"), bytes).unwrap()
}

#[test]
fn a_code_is_read_back_from_its_picture_at_every_step() {
    for (bytes_max, level) in LADDER {
        let content = noise(usize::try_from(bytes_max).unwrap(), 7);
        let png = Code::of(&content, level).unwrap().png();
        assert!(is_picture(&png));
        assert_eq!(found(&png), std::slice::from_ref(&content));
        let over = noise(content.len() + 1, 7);
        let fits = Code::of(&over, level);
        assert!(
            bytes_max < 2_000 || fits.is_none(),
            "it is the most of its level"
        );
    }
}

#[test]
fn a_code_is_read_back_from_a_photo() {
    for (seed, len) in [(1, 700), (2, 1_370)] {
        let content = noise(len, seed);
        let photo = photo(&picture(&content, EcLevel::M), 1_600, seed);
        assert_eq!(found(&as_jpeg(&photo)), [content], "{len} bytes");
    }
}

/// A picture goes through mail and word processors, which draw it at a size of their own.
#[test]
fn a_code_is_read_back_from_a_picture_of_another_size() {
    let content = noise(900, 4);
    let whole = picture(&content, EcLevel::M);
    for percent in [45, 50, 55, 58, 60, 62, 65, 70, 75, 80, 90, 95] {
        let side = whole.width() * percent / 100;
        let mut png = Cursor::new(Vec::new());
        imageops::resize(&whole, side, side, FilterType::Triangle)
            .write_to(&mut png, ImageFormat::Png)
            .unwrap();
        let read = read(Path::new("thu nhỏ.png"), &png.into_inner());
        assert_eq!(read.unwrap(), std::slice::from_ref(&content), "{percent} %");
    }
}

/// Nothing is left of a side of one point that is halved.
#[test]
fn a_picture_of_one_point_holds_no_code() {
    assert!(search(&GrayImage::new(1, 1)).is_empty());
}

#[test]
fn two_codes_in_one_photo_are_both_read() {
    let contents = [noise(400, 3), noise(500, 4)];
    let [left, right] = contents
        .clone()
        .map(|content| picture(&content, EcLevel::M));
    let side = left.width().max(right.width());
    let mut both = GrayImage::from_pixel(2 * side, side, Luma([255]));
    imageops::replace(&mut both, &left, 0, 0);
    imageops::replace(&mut both, &right, i64::from(side), 0);
    let mut read = found(&as_jpeg(&both));
    read.sort();
    let mut contents = contents.to_vec();
    contents.sort();
    assert_eq!(read, contents);
}

#[test]
fn what_is_no_code_or_no_picture_is_named() {
    let code = |bytes: &[u8]| {
        let failure = read(Path::new("photo"), bytes).unwrap_err();
        failure.problem().unwrap().code.clone()
    };
    let blank = GrayImage::from_pixel(300, 300, Luma([255]));
    assert_eq!(code(&as_jpeg(&blank)), "M-2022");
    let png = Code::of(b"x", EcLevel::M).unwrap().png();
    assert_eq!(code(&png[..png.len() / 2]), "M-2023");
    // A header that claims more points than there is memory for.
    let mut huge = png.clone();
    huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    assert_eq!(code(&huge), "M-2023");
}

#[test]
fn the_page_holds_the_codes_and_says_what_they_are() {
    let code = Code::of(b"figures", EcLevel::M).unwrap();
    let place = |unit: &str| hopluu_engine::view::BundlePlace {
        node: hopluu_model::NodeId([1; 32]),
        unit: unit.parse().unwrap(),
        office: None,
    };
    let bundle = BundleView {
        id: "00".to_owned(),
        set: "00".to_owned(),
        part: 1,
        parts: 2,
        bytes: 7,
        made: hopluu_model::Timestamp(0),
        from: place("19429@2024-05-01"),
        to: place("465@2024-05-01"),
        root: None,
    };
    let page = page(&[(bundle, code)], "<form>", Lang::Vi);
    assert!(
        page.contains("phần 1/2") && page.contains("từ 19429@2024-05-01"),
        "{page}"
    );
    assert!(page.contains("&lt;form&gt;") && !page.contains("<form>"));
    assert_eq!(page.matches("<svg").count(), 1);
}

/// 20 KB of PNG may be a wall of white that takes 144 MB: it is refused by its head.
#[test]
fn a_small_file_does_not_become_a_huge_picture() {
    let mut wall = Cursor::new(Vec::new());
    GrayImage::from_pixel(6_000, 6_000, Luma([255]))
        .write_to(&mut wall, ImageFormat::Png)
        .unwrap();
    let wall = wall.into_inner();
    let most = points_max(wall.len());
    assert!(wall.len() < 200_000 && most < 17_000_000, "{}", wall.len());
    let failure = read(Path::new("tường.png"), &wall).unwrap_err();
    let problem = failure.problem().unwrap();
    assert_eq!(problem.code, "M-2023");
    let words = format!("{problem:?}");
    assert!(words.contains("6000 x 6000 điểm"), "{words}");
    // Within 64 MB, at eight bytes a point and one for its grey, for any file of 20 KB; and no more than a telephone's for any.
    assert!(points_max(20 << 10) * 8 + points_max(20 << 10) < 64 << 20);
    assert_eq!(points_max(usize::MAX), PHOTO_POINTS_MAX);
    assert_eq!(points_max(0), PHOTO_POINTS_FREE);
    // Resizing holds as many columns as there were, sixteen bytes a point, and what comes of it.
    for (times, over) in OTHER_SIZES {
        let (times, over) = (u64::from(times), u64::from(over));
        assert!(RESIZED_POINTS_MAX * 16 * over / times + RESIZED_POINTS_MAX < 48 << 20);
    }
}
