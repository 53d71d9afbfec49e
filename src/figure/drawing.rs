//! An SVG document under construction, in points.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::type_setting::escape;
use crate::dsp::{ColourMap, Picture};

/// A rectangle in points, from its top left corner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Rect {
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    pub fn middle(&self) -> f64 {
        self.x + self.width / 2.0
    }
}

/// Which point of a line of text stands at its position.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Size of a figure's title in points.
pub(super) const TITLE: f64 = 9.0;
/// Size of axes' titles in points.
pub(super) const AXIS: f64 = 8.0;
/// Size of the numbers at ticks in points.
pub(super) const TICK: f64 = 7.0;
/// Length of a tick in points.
pub(super) const TICK_LENGTH: f64 = 2.5;

/// Colour of text and lines: a black that does not sting on a screen.
const INK: &str = "#1a1a1a";
/// Width of frames and ticks in points.
const HAIRLINE: f64 = 0.6;

/// The elements so far.
pub(super) struct Drawing {
    body: String,
}

impl Drawing {
    pub fn new() -> Self {
        Self { body: String::new() }
    }

    /// A line of text on a baseline.
    pub fn text(&mut self, x: f64, y: f64, size: f64, anchor: Anchor, text: &str) {
        self.styled_text(x, y, size, anchor, text, "");
    }

    /// A line of text a little darker than the others.
    pub fn title(&mut self, x: f64, y: f64, size: f64, anchor: Anchor, text: &str) {
        // The face has one light weight; an outline makes a medium one of it.
        let style = format!(" stroke=\"{INK}\" stroke-width=\"{:.3}\"", size * 0.03);
        self.styled_text(x, y, size, anchor, text, &style);
    }

    /// A line of text turned to read upwards, centred on a point of its baseline.
    pub fn upright_text(&mut self, x: f64, y: f64, size: f64, text: &str) {
        let style = format!(" transform=\"rotate(-90 {x:.2} {y:.2})\"");
        self.styled_text(x, y, size, Anchor::Middle, text, &style);
    }

    fn styled_text(&mut self, x: f64, y: f64, size: f64, anchor: Anchor, text: &str, style: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.body.push_str(&format!(
            "<text x=\"{x:.2}\" y=\"{y:.2}\" font-size=\"{size:.2}\" \
             text-anchor=\"{anchor}\"{style}>{}</text>\n",
            escape(text)
        ));
    }

    /// A line of text turned to read downwards, that begins at a point of its baseline.
    pub fn hanging_text(&mut self, x: f64, y: f64, size: f64, text: &str) {
        let style = format!(" transform=\"rotate(-90 {x:.2} {y:.2})\"");
        self.styled_text(x, y, size, Anchor::End, text, &style);
    }

    /// A line of text in a colour, centred on a point of its baseline.
    pub fn coloured_text(&mut self, (x, y): (f64, f64), size: f64, text: &str, colour: &str) {
        self.styled_text(x, y, size, Anchor::Middle, text, &format!(" fill=\"{colour}\""));
    }

    /// A line through points, dashed if `dashes` says how.
    pub fn curve(&mut self, points: &[(f64, f64)], colour: &str, dashes: &str) {
        let path: Vec<_> = points.iter().map(|(x, y)| format!("{x:.2} {y:.2}")).collect();
        if path.is_empty() {
            return;
        }
        self.body.push_str(&format!(
            "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.2\" \
             stroke-linejoin=\"round\" stroke-dasharray=\"{}\"/>\n",
            path.join("L"),
            if dashes.is_empty() { "none" } else { dashes }
        ));
    }

    /// A rectangle of one colour.
    pub fn fill(&mut self, rect: Rect, colour: &str) {
        self.rect(rect, &format!("fill=\"{colour}\""));
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.body.push_str(&format!(
            "<path d=\"M{:.2} {:.2}L{:.2} {:.2}\" stroke=\"{INK}\" stroke-width=\"{HAIRLINE}\"/>\n",
            from.0, from.1, to.0, to.1
        ));
    }

    pub fn frame(&mut self, rect: Rect) {
        self.rect(rect, &format!("fill=\"none\" stroke=\"{INK}\" stroke-width=\"{HAIRLINE}\""));
    }

    fn rect(&mut self, rect: Rect, style: &str) {
        let Rect { x, y, width, height } = rect;
        self.body.push_str(&format!(
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" {style}/>\n"
        ));
    }

    /// A picture stretched over a rectangle. One that cannot be packed leaves it empty.
    pub fn picture(&mut self, rect: Rect, picture: &Picture) {
        let Some(png) = pack(picture) else { return };
        let Rect { x, y, width, height } = rect;
        self.body.push_str(&format!(
            "<image x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" \
             preserveAspectRatio=\"none\" xlink:href=\"data:image/png;base64,{}\"/>\n",
            BASE64_STANDARD.encode(png)
        ));
    }

    /// All colours of a map in a rectangle, the lightest on top.
    pub fn colour_bar(&mut self, rect: Rect, map: ColourMap) {
        const STOPS: usize = 64;
        self.body.push_str("<linearGradient id=\"levels\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">\n");
        for index in 0..=STOPS {
            let offset = index as f64 / STOPS as f64;
            let [r, g, b] = map.rgb(offset as f32);
            self.body.push_str(&format!(
                "<stop offset=\"{offset}\" stop-color=\"#{r:02x}{g:02x}{b:02x}\"/>\n"
            ));
        }
        self.body.push_str("</linearGradient>\n");
        self.rect(rect, "fill=\"url(#levels)\"");
        self.frame(rect);
    }

    /// The document, with a white background and a description for those who cannot see it.
    pub fn finish(self, width: f64, height: f64, families: &str, description: &str) -> String {
        let inches = width / 72.0;
        let description = escape(description);
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <svg xmlns=\"http://www.w3.org/2000/svg\" \
             xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{inches}in\" \
             height=\"{}in\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
             <title>{description}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
             <g font-family=\"{families}\" fill=\"{INK}\">\n{}</g>\n</svg>\n",
            height / 72.0,
            self.body
        )
    }
}

/// A picture as a PNG file.
fn pack(picture: &Picture) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (width, height) = (picture.width.try_into().ok()?, picture.height.try_into().ok()?);
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().ok()?.write_image_data(&picture.rgb).ok()?;
    Some(bytes)
}
