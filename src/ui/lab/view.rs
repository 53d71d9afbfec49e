//! The part of the picture that all panes and lanes show.

/// The smallest part of the whole that can be zoomed to.
const SMALLEST: f64 = 1e-3;

/// A window over time (x) and over the frequency axis (y), both in \[0, 1\] of the whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// From where to where in time.
    pub x: [f64; 2],
    /// From where to where on the axis, bottom first.
    pub y: [f64; 2],
}

impl Default for View {
    fn default() -> Self {
        Self { x: [0.0, 1.0], y: [0.0, 1.0] }
    }
}

impl View {
    /// A window that reaches from place to place, brought into the whole and to a size that can be
    /// shown.
    pub fn of(x: [f64; 2], y: [f64; 2]) -> Self {
        let fit = |[low, high]: [f64; 2]| {
            let span = (high - low).clamp(SMALLEST, 1.0);
            let mut range = [low, low + span];
            shift(&mut range, 0.0);
            range
        };
        Self { x: fit(x), y: fit(y) }
    }

    /// Whether all of the clip is shown.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// Zooms by factors (over 1 magnifies) around a point that stays where it is.
    pub fn zoom(&mut self, at: [f64; 2], factor: [f64; 2]) {
        zoom(&mut self.x, at[0], factor[0]);
        zoom(&mut self.y, at[1], factor[1]);
    }

    /// Moves the window by parts of the whole.
    pub fn pan(&mut self, by: [f64; 2]) {
        shift(&mut self.x, by[0]);
        shift(&mut self.y, by[1]);
    }

    /// Shows these ranges of time and of the axis, as far as they are ranges.
    pub fn look_at(&mut self, [x, y]: [[f64; 2]; 2]) {
        let valid =
            |range: [f64; 2]| range[0] >= 0.0 && range[1] <= 1.0 && range[1] - range[0] >= SMALLEST;
        if valid(x) && valid(y) {
            *self = Self { x, y };
        }
    }

    /// How much of the clip's time is shown, in (0, 1].
    pub fn width(&self) -> f64 {
        self.x[1] - self.x[0]
    }

    /// Where in the window a moment lies, 0 at its left edge and 1 at its right.
    pub fn across(&self, x: f64) -> f64 {
        (x - self.x[0]) / self.width()
    }

    /// The moment at a place in the window, the inverse of [`Self::across`].
    pub fn x_at(&self, across: f64) -> f64 {
        self.x[0] + across * self.width()
    }

    /// Where in the window a height of the axis lies, 0 at the bottom.
    pub fn up(&self, y: f64) -> f64 {
        (y - self.y[0]) / (self.y[1] - self.y[0])
    }

    /// The height of the axis at a place in the window.
    pub fn y_at(&self, up: f64) -> f64 {
        self.y[0] + up * (self.y[1] - self.y[0])
    }
}

fn zoom(range: &mut [f64; 2], at: f64, factor: f64) {
    let span = range[1] - range[0];
    let wanted = (span / factor.max(1e-9)).clamp(SMALLEST, 1.0);
    let place = ((at - range[0]) / span).clamp(0.0, 1.0);
    range[0] = at - place * wanted;
    range[1] = range[0] + wanted;
    shift(range, 0.0);
}

/// Moves a range and keeps it within \[0, 1\] at its length.
fn shift(range: &mut [f64; 2], by: f64) {
    let span = (range[1] - range[0]).min(1.0);
    range[0] = (range[0] + by).clamp(0.0, 1.0 - span);
    range[1] = range[0] + span;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_the_point_under_the_cursor() {
        let mut view = View::default();
        view.zoom([0.3, 0.5], [4.0, 1.0]);
        assert!((view.across(0.3) - 0.3).abs() < 1e-12);
        assert!((view.width() - 0.25).abs() < 1e-12);
        assert_eq!(view.y, [0.0, 1.0]);
        view.zoom([0.3, 0.5], [0.25, 1.0]);
        assert!(view.x[0].abs() < 1e-12 && (view.x[1] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_outside_of_the_clip_is_ever_shown() {
        let mut view = View::default();
        view.zoom([1.0, 0.0], [10.0, 2.0]);
        view.pan([5.0, -5.0]);
        assert!(view.x[1] <= 1.0 && view.y[0] >= 0.0);
        assert!((view.width() - 0.1).abs() < 1e-12);
        view.zoom([0.95, 0.1], [1e9, 1e9]);
        assert!(view.width() >= SMALLEST * 0.999);
        view.zoom([0.95, 0.1], [1e-9, 1e-9]);
        assert_eq!(view, View::default());
    }

    #[test]
    fn a_window_from_place_to_place_stays_inside() {
        assert_eq!(View::of([0.25, 0.5], [0.0, 1.0]).x, [0.25, 0.5]);
        assert_eq!(View::of([-1.0, 3.0], [0.0, 1.0]), View::default());
        let tiny = View::of([1.0, 1.0], [0.5, 0.5]);
        assert!(tiny.x[0] < tiny.x[1] && tiny.x[1] <= 1.0 && tiny.y[1] > tiny.y[0]);
    }

    #[test]
    fn places_and_moments_are_inverse() {
        let view = View { x: [0.2, 0.6], y: [0.1, 0.4] };
        assert!((view.x_at(view.across(0.33)) - 0.33).abs() < 1e-12);
        assert!((view.y_at(view.up(0.2)) - 0.2).abs() < 1e-12);
    }
}
