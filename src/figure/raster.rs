//! From SVG to PNG, with our own font, so that it looks the same on every machine.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use super::FigureError;
use super::layout::WIDTH;

/// Width of a figure in pixels where nothing else is asked for: 300 dpi on 7 inches.
pub const DEFAULT_WIDTH_PX: u32 = 2100;

/// What a figure can be read at and what fits into memory, in pixels.
const WIDTHS: std::ops::RangeInclusive<u32> = 200..=16_384;

/// Draws an SVG document `width_px` pixels wide and packs it as PNG.
pub(super) fn png(svg: &str, width_px: u32) -> Result<Vec<u8>, FigureError> {
    if !WIDTHS.contains(&width_px) {
        return Err(FigureError::Width(width_px));
    }
    let failed = |what: &dyn std::fmt::Display| FigureError::Drawing(what.to_string());
    let tree = parse(svg).map_err(|error| failed(&error))?;
    let scale = width_px as f32 / tree.size().width();
    let height = (tree.size().height() * scale).round() as u32;
    let mut pixels =
        Pixmap::new(width_px, height).ok_or_else(|| failed(&"there is not enough memory"))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pack(&pixels).map_err(|error| failed(&error))
}

/// Reads an SVG document with the fonts that figures are set in.
pub(super) fn parse(svg: &str) -> Result<Tree, resvg::usvg::Error> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let fontdb = FONTS.get_or_init(|| {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
        // For the few signs that the first does not have.
        fonts.load_font_data(epaint_default_fonts::HACK_REGULAR.to_vec());
        Arc::new(fonts)
    });
    let options = Options { fontdb: Arc::clone(fontdb), ..Options::default() };
    Tree::from_str(svg, &options)
}

/// An opaque picture as a PNG file without an alpha channel, which journals reject.
fn pack(pixels: &Pixmap) -> Result<Vec<u8>, png::EncodingError> {
    let rgb: Vec<u8> =
        pixels.data().chunks_exact(4).flat_map(|pixel| &pixel[..3]).copied().collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    let inches = WIDTH / 72.0;
    let per_metre = (f64::from(pixels.width()) / inches / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    encoder.write_header()?.write_image_data(&rgb)?;
    Ok(bytes)
}
