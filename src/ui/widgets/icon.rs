//! Icons as strokes and shapes, sharp at every size and in every colour.

use eframe::egui::{
    Color32, CornerRadius, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, pos2, vec2,
};

/// An icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// A triangle.
    Play,
    /// Two bars.
    Pause,
    /// A square.
    Stop,
    /// A disc.
    Record,
    /// An arrow that returns.
    Loop,
    /// A tick.
    Check,
    /// A cross.
    Close,
    /// A crescent.
    Moon,
    /// A sun.
    Sun,
    /// Half dark, half light.
    HalfAndHalf,
    /// A question mark is text; this is a speaker.
    Speaker,
    /// Two sheets.
    Copy,
    /// A triangle that points down.
    Down,
    /// A note with a downward arrow: drop here.
    Drop,
    /// Four arrows outwards: all of the clip.
    Fit,
    /// A magnifying glass.
    Zoom,
}

impl Icon {
    /// Paints the icon into the middle of `rect`, `size` points high.
    pub fn paint(self, painter: &Painter, rect: Rect, size: f32, colour: Color32) {
        let centre = rect.center();
        let half = size / 2.0;
        let at = |x: f32, y: f32| centre + vec2(x * half, y * half);
        let stroke = Stroke::new((size / 9.0).max(1.25), colour);
        let line = |points: Vec<Pos2>| painter.add(Shape::line(points, stroke));
        match self {
            Self::Play => {
                let points = vec![at(-0.7, -0.95), at(0.95, 0.0), at(-0.7, 0.95)];
                painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
            }
            Self::Pause => {
                for x in [-0.5, 0.5] {
                    let bar = Rect::from_center_size(at(x, 0.0), vec2(0.5, 1.8) * half);
                    painter.rect_filled(bar, CornerRadius::same(1), colour);
                }
            }
            Self::Stop => {
                let square = Rect::from_center_size(centre, Vec2::splat(1.6 * half));
                painter.rect_filled(square, CornerRadius::same(2), colour);
            }
            Self::Record => {
                painter.circle_filled(centre, 0.8 * half, colour);
            }
            Self::Loop => {
                let (start, turn) = (0.5, std::f32::consts::TAU - 1.2);
                line(arc(centre, 0.8 * half, start, turn));
                let end = start + turn;
                let tip = centre + 0.8 * half * vec2(end.cos(), end.sin());
                let head = 0.55 * half;
                painter.add(Shape::convex_polygon(
                    vec![
                        tip + head * vec2(-0.2, -1.0),
                        tip + head * vec2(0.9, 0.5),
                        tip + head * vec2(-0.9, 0.5),
                    ],
                    colour,
                    Stroke::NONE,
                ));
            }
            Self::Check => {
                line(vec![at(-0.85, 0.05), at(-0.25, 0.7), at(0.9, -0.7)]);
            }
            Self::Close => {
                line(vec![at(-0.7, -0.7), at(0.7, 0.7)]);
                line(vec![at(-0.7, 0.7), at(0.7, -0.7)]);
            }
            Self::Moon => {
                // A circle that another one, up to the right, takes a bite of.
                let (outer, inner, apart, towards) = (0.95_f32, 0.78_f32, 0.55_f32, -0.7_f32);
                let square = |x: f32| x * x;
                let alpha = ((square(apart) + square(outer) - square(inner))
                    / (2.0 * apart * outer))
                    .acos();
                let beta = ((square(apart) + square(inner) - square(outer))
                    / (2.0 * apart * inner))
                    .acos();
                let (half_turn, turn) = (std::f32::consts::PI, std::f32::consts::TAU);
                let bite = centre + apart * half * vec2(towards.cos(), towards.sin());
                let mut points = arc(centre, outer * half, towards + alpha, turn - 2.0 * alpha);
                let start = towards + half_turn + beta;
                points.extend(arc(bite, inner * half, start, -2.0 * beta));
                painter.add(Shape::closed_line(points, stroke));
            }
            Self::Sun => {
                painter.circle_stroke(centre, 0.42 * half, stroke);
                for ray in 0..8 {
                    let angle = ray as f32 * std::f32::consts::TAU / 8.0;
                    let way = vec2(angle.cos(), angle.sin());
                    line(vec![centre + 0.7 * half * way, centre + half * way]);
                }
            }
            Self::HalfAndHalf => {
                painter.circle_stroke(centre, 0.85 * half, stroke);
                let mut side =
                    arc(centre, 0.85 * half, -std::f32::consts::FRAC_PI_2, std::f32::consts::PI);
                side.push(at(0.0, 0.85));
                painter.add(Shape::convex_polygon(side, colour, Stroke::NONE));
            }
            Self::Speaker => {
                painter.add(Shape::convex_polygon(
                    vec![at(-0.9, -0.35), at(-0.45, -0.35), at(-0.45, 0.35), at(-0.9, 0.35)],
                    colour,
                    Stroke::NONE,
                ));
                painter.add(Shape::convex_polygon(
                    vec![at(-0.5, -0.35), at(0.0, -0.85), at(0.0, 0.85), at(-0.5, 0.35)],
                    colour,
                    Stroke::NONE,
                ));
                line(arc(at(0.0, 0.0), 0.5 * half, -0.8, 1.6));
                line(arc(at(0.0, 0.0), 0.9 * half, -0.8, 1.6));
            }
            Self::Copy => {
                let sheet = vec2(1.15, 1.3) * half;
                let back = Rect::from_min_size(at(-0.9, -0.95), sheet);
                let front = Rect::from_min_size(at(-0.3, -0.35), sheet);
                let radius = CornerRadius::same(2);
                line(vec![
                    pos2(front.left(), back.bottom()),
                    pos2(back.left(), back.bottom()),
                    pos2(back.left(), back.top()),
                    pos2(back.right(), back.top()),
                    pos2(back.right(), front.top()),
                ]);
                painter.rect_stroke(front, radius, stroke, StrokeKind::Middle);
            }
            Self::Down => {
                let points = vec![at(-0.7, -0.35), at(0.7, -0.35), at(0.0, 0.5)];
                painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
            }
            Self::Drop => {
                line(vec![at(0.0, -0.9), at(0.0, 0.35)]);
                line(vec![at(-0.45, -0.1), at(0.0, 0.4), at(0.45, -0.1)]);
                line(vec![at(-0.9, 0.3), at(-0.9, 0.9), at(0.9, 0.9), at(0.9, 0.3)]);
            }
            Self::Zoom => {
                painter.circle_stroke(at(-0.2, -0.2), 0.6 * half, stroke);
                line(vec![at(0.25, 0.25), at(0.9, 0.9)]);
            }
            Self::Fit => {
                for (x, y) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
                    let corner = at(0.8 * x, 0.8 * y);
                    let arm = 0.55 * half;
                    line(vec![corner - vec2(x * arm, 0.0), corner, corner - vec2(0.0, y * arm)]);
                }
            }
        }
    }
}

/// Points on a circle from an angle on, clockwise on the screen.
fn arc(centre: Pos2, radius: f32, start: f32, turn: f32) -> Vec<Pos2> {
    const STEPS: usize = 24;
    (0..=STEPS)
        .map(|step| {
            let angle = start + turn * step as f32 / STEPS as f32;
            centre + radius * vec2(angle.cos(), angle.sin())
        })
        .collect()
}
