//! Bundles as QR codes: pictures and a page to print, and back from a photo of them.
//!
//! Photos are decoded here, in the process of the command: what a crafted one does to a decoder never
//! happens to a running node.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use hopluu_engine::view::BundleView;
use hopluu_form::Lang;
use image::imageops::{self, FilterType};
use image::{
    DynamicImage, GrayImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, Luma,
};
use qrcode::{Color, EcLevel, QrCode};
use rqrr::PreparedImage;

use crate::failure::Failure;
use crate::limits::{
    PHOTO_BYTES_MAX, PHOTO_POINTS_FREE, PHOTO_POINTS_MAX, PHOTO_POINTS_PER_BYTE, PHOTO_SIDE_MAX,
    RESIZED_POINTS_MAX,
};
use crate::text;

/// Most codes that one report is printed as.
pub(super) const CODES_MAX: u64 = 2;

/// What one code may hold, the most readable first: version 30 at level M, a third of whose bytes could
/// be read by any telephone; then the largest version, at last with the least repair.
pub(super) const LADDER: [(u64, EcLevel); 3] = [
    (1_370, EcLevel::M),
    (2_331, EcLevel::M),
    (2_953, EcLevel::L),
];

/// Points of a picture for each module, so that any printer keeps them apart.
const MODULE_POINTS: u32 = 8;

/// Light modules around a code, as the standard asks.
const QUIET_MODULES: u32 = 4;

/// How often a photo is made smaller by half before other sizes are tried: what is noise at full size is not
/// at a quarter.
const HALVINGS_MAX: u32 = 2;

/// What else a picture is multiplied by, over what, before it is given up. Where a module has about 4.8 or 3.6
/// points the search misses a clean code, and finds it where it has another number of them.
const OTHER_SIZES: [(u32, u32); 3] = [(3, 4), (3, 2), (2, 1)];

/// Whether a file begins like a picture.
pub(in crate::cmd) fn is_picture(bytes: &[u8]) -> bool {
    format_of(bytes).is_some()
}

fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    let format = image::guess_format(bytes).ok()?;
    matches!(format, ImageFormat::Png | ImageFormat::Jpeg).then_some(format)
}

/// One code, ready to be drawn.
#[derive(Debug)]
pub(in crate::cmd) struct Code {
    /// Modules of a side.
    width: u32,
    dark: Vec<bool>,
}

impl Code {
    /// The smallest code of a level that holds these bytes.
    pub(in crate::cmd) fn of(bytes: &[u8], level: EcLevel) -> Option<Self> {
        let code = QrCode::with_error_correction_level(bytes, level).ok()?;
        Some(Self {
            width: u32::try_from(code.width()).ok()?,
            dark: code
                .to_colors()
                .into_iter()
                .map(|of| of == Color::Dark)
                .collect(),
        })
    }

    /// Light wherever there is no module.
    fn is_dark(&self, x: u32, y: u32) -> bool {
        let at = usize::try_from(y.saturating_mul(self.width).saturating_add(x));
        let module = at.ok().and_then(|at| self.dark.get(at));
        x < self.width && module == Some(&true)
    }

    /// The picture of it.
    pub(in crate::cmd) fn png(&self) -> Vec<u8> {
        let side = (self.width + 2 * QUIET_MODULES) * MODULE_POINTS;
        let picture = GrayImage::from_fn(side, side, |x, y| {
            let module = |point: u32| (point / MODULE_POINTS).wrapping_sub(QUIET_MODULES);
            Luma([u8::from(!self.is_dark(module(x), module(y))) * 255])
        });
        let mut bytes = Cursor::new(Vec::new());
        picture
            .write_to(&mut bytes, ImageFormat::Png)
            .expect("a grey picture is written to memory");
        bytes.into_inner()
    }

    /// The same as a drawing, a run of dark modules a stroke.
    pub(in crate::cmd) fn svg(&self) -> String {
        let side = self.width + 2 * QUIET_MODULES;
        let mut path = String::new();
        for y in 0..self.width {
            let mut x = 0;
            while x < self.width {
                let run = (x..self.width)
                    .take_while(|at| self.is_dark(*at, y))
                    .count();
                let run = u32::try_from(run).unwrap_or(u32::MAX);
                if run > 0 {
                    let (left, top) = (x + QUIET_MODULES, y + QUIET_MODULES);
                    path.push_str(&format!("M{left} {top}h{run}v1h-{run}z"));
                }
                x += run + 1;
            }
        }
        format!(
            "<svg viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
             <path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/><path d=\"{path}\"/></svg>"
        )
    }
}

/// A page to print: each code with what it is, from whom, for whom, and which part.
pub(super) fn page(codes: &[(BundleView, Code)], report: &str, lang: Lang) -> String {
    let title = escaped(&text::bundle::paper_title(report, lang));
    let how = escaped(text::bundle::paper_how(lang));
    let figures = codes.iter().map(|(bundle, code)| {
        let words = escaped(&text::bundle::address(bundle, lang));
        let (svg, id) = (code.svg(), &bundle.id);
        format!("<figure>{svg}<figcaption>{words}<br><small>{id}</small></figcaption></figure>\n")
    });
    let figures: String = figures.collect();
    let lang = text::word(lang, "vi", "en");
    format!(
        "<!doctype html>\n<html lang=\"{lang}\"><meta charset=\"utf-8\"><title>{title}</title>\n\
         <style>body{{font:11pt serif;margin:1cm}}figure{{margin:0 auto 1cm;width:15cm;\
         break-inside:avoid;text-align:center}}svg{{width:15cm;height:15cm}}</style>\n\
         <h1>{title}</h1>\n<p>{how}</p>\n{figures}</html>\n"
    )
}

pub(in crate::cmd) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// What the codes in a photo hold, each once.
pub(in crate::cmd) fn read(path: &Path, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
    let mut reader = ImageReader::new(Cursor::new(bytes));
    if let Some(format) = format_of(bytes) {
        reader.set_format(format);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(PHOTO_SIDE_MAX);
    limits.max_image_height = Some(PHOTO_SIDE_MAX);
    limits.max_alloc = Some(PHOTO_BYTES_MAX);
    reader.limits(limits);
    // A picture that breaks a decoder is as good as one without a code.
    let found = catch_unwind(AssertUnwindSafe(|| {
        let unread = |error: ImageError| text::bundle::no_picture(path, &error.to_string());
        let decoder = reader.into_decoder().map_err(unread)?;
        let (width, height) = decoder.dimensions();
        let points_max = points_max(bytes.len());
        if u64::from(width) * u64::from(height) > points_max {
            return Err(text::bundle::large_picture(
                path,
                (width, height),
                points_max,
            ));
        }
        let picture = DynamicImage::from_decoder(decoder).map_err(unread)?;
        Ok(search(&picture.into_luma8()))
    }));
    match found {
        Ok(Ok(codes)) if codes.is_empty() => Err(text::bundle::no_code(path)),
        Ok(Ok(codes)) => Ok(codes.into_iter().collect()),
        Ok(Err(failure)) => Err(failure),
        Err(_) => Err(text::bundle::no_code(path)),
    }
}

/// How many points a file of so many bytes may unpack to.
fn points_max(bytes: usize) -> u64 {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let points = bytes.saturating_mul(PHOTO_POINTS_PER_BYTE);
    points
        .saturating_add(PHOTO_POINTS_FREE)
        .min(PHOTO_POINTS_MAX)
}

/// Looks at a photo at full size and at others, until every code that is seen is read.
fn search(grey: &GrayImage) -> BTreeSet<Vec<u8>> {
    let mut codes = BTreeSet::new();
    if look(grey, &mut codes) {
        return codes;
    }
    let (width, height) = grey.dimensions();
    for halvings in 1..=HALVINGS_MAX {
        let (width, height) = (width >> halvings, height >> halvings);
        if width == 0 || height == 0 {
            break;
        }
        if look(&imageops::thumbnail(grey, width, height), &mut codes) {
            return codes;
        }
    }
    for (times, over) in OTHER_SIZES {
        let (width, height) = (width * times / over, height * times / over);
        let points = u64::from(width) * u64::from(height);
        if !(1..=RESIZED_POINTS_MAX).contains(&points) {
            continue;
        }
        let other = imageops::resize(grey, width, height, FilterType::Triangle);
        if look(&other, &mut codes) {
            break;
        }
    }
    codes
}

/// Reads the codes in a picture, and says whether those are all that are seen.
fn look(grey: &GrayImage, codes: &mut BTreeSet<Vec<u8>>) -> bool {
    let (width, height) = grey.dimensions();
    let size = |side: u32| usize::try_from(side).unwrap_or(0);
    let mut prepared = PreparedImage::prepare_from_greyscale(size(width), size(height), |x, y| {
        let at = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        grey.get_pixel_checked(at(x), at(y))
            .map_or(255, |point| point.0[0])
    });
    let grids = prepared.detect_grids();
    let seen = grids.len();
    let mut read = 0;
    for grid in grids {
        let mut bytes = Vec::new();
        if grid.decode_to(&mut bytes).is_ok() {
            read += 1;
            codes.insert(bytes);
        }
    }
    read > 0 && read == seen
}

#[cfg(test)]
mod tests;
