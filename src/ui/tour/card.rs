//! The card that leads through the tour, and the frame around what it speaks of.

use eframe::egui::{
    Align, Area, Context, CornerRadius, Frame, Id, Key, Label, LayerId, Layout, Margin, Modifiers,
    Order, Pos2, Rect, RichText, Stroke, StrokeKind, Ui, pos2, vec2,
};

use super::steps::{STEPS, Step};
use crate::ui::theme::{self, BODY};
use crate::ui::widgets::{caption, quiet_button};

/// The card's width.
const WIDTH: f32 = 400.0;

/// About the card's height, to find a place for it before it is drawn.
const HEIGHT: f32 = 190.0;

/// Where people want to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// To a step.
    To(usize),
    /// Away.
    End,
}

/// Shows a step and points at a rectangle; what people want next.
pub fn show(ctx: &Context, index: usize, place: Option<Rect>) -> Option<Turn> {
    let step = STEPS.get(index)?;
    let palette = theme::Palette::of(ctx.theme());
    let room = ctx.content_rect();
    if let Some(place) = place {
        // Over the window, under the card.
        let layer = LayerId::new(Order::Middle, Id::unique("tour pointer"));
        let painter = ctx.layer_painter(layer);
        let stroke = Stroke::new(2.5, palette.warning);
        let rect = place.expand(4.0).intersect(room.shrink(2.0));
        painter.rect_stroke(rect, CornerRadius::same(9), stroke, StrokeKind::Middle);
    }
    let at = place_for(room, place);
    let area = Area::new(Id::unique("tour")).order(Order::Foreground).fixed_pos(at);
    let turn = area.show(ctx, |ui| {
        let frame = Frame::popup(ui.style())
            .fill(palette.card)
            .stroke(Stroke::new(1.5, palette.warning))
            .inner_margin(Margin::same(16));
        frame.show(ui, |ui| contents(ui, step, index)).inner
    });
    turn.inner.or_else(|| keys(ctx, index))
}

fn contents(ui: &mut Ui, step: &Step, index: usize) -> Option<Turn> {
    ui.set_width(WIDTH - 32.0);
    let mut turn = None;
    caption(ui, &format!("Tour · {} of {}", index + 1, STEPS.len()));
    ui.label(theme::strong(step.title, 17.0));
    ui.add(Label::new(RichText::new(step.text).size(BODY + 1.0)).wrap());
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let back = ui.add_enabled_ui(index > 0, |ui| quiet_button(ui, "Back")).inner;
        if back.on_hover_text("The step before (Page up)").clicked() {
            turn = Some(Turn::To(index - 1));
        }
        let last = index + 1 == STEPS.len();
        let name = if last { "Done" } else { "Next" };
        let next = quiet_button(ui, name).on_hover_text("The next step (Page down)");
        if next.clicked() {
            turn = Some(if last { Turn::End } else { Turn::To(index + 1) });
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if quiet_button(ui, "End the tour").on_hover_text("Go on alone").clicked() {
                turn = Some(Turn::End);
            }
        });
    });
    turn
}

/// Page up and down, as presenters' remote controls send.
fn keys(ctx: &Context, index: usize) -> Option<Turn> {
    let pressed = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if pressed(Key::PageDown) {
        let next = index + 1;
        return Some(if next == STEPS.len() { Turn::End } else { Turn::To(next) });
    }
    (pressed(Key::PageUp) && index > 0).then(|| Turn::To(index - 1))
}

/// A place for the card that does not hide what it speaks of: where most room is left.
fn place_for(room: Rect, place: Option<Rect>) -> Pos2 {
    let size = vec2(WIDTH, HEIGHT);
    let margin = 14.0;
    let inside = room.shrink(margin);
    let lower = pos2(room.center().x - size.x / 2.0, inside.bottom() - size.y - 30.0);
    let Some(place) = place else { return lower };
    let centred = place.center() - size / 2.0;
    let candidates = [
        pos2(place.right() + margin, centred.y),
        pos2(place.left() - margin - size.x, centred.y),
        pos2(centred.x, place.bottom() + margin),
        pos2(centred.x, place.top() - margin - size.y),
    ];
    let clamped = candidates.map(|at| {
        let x = at.x.clamp(inside.left(), (inside.right() - size.x).max(inside.left()));
        let y = at.y.clamp(inside.top(), (inside.bottom() - size.y).max(inside.top()));
        pos2(x, y)
    });
    let hidden = |at: &Pos2| {
        let overlap = Rect::from_min_size(*at, size).intersect(place);
        if overlap.is_positive() { overlap.area() } else { 0.0 }
    };
    clamped.into_iter().min_by(|a, b| hidden(a).total_cmp(&hidden(b))).unwrap_or(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_stands_beside_what_it_speaks_of_and_inside_the_window() {
        let room = Rect::from_min_size(pos2(0.0, 0.0), vec2(1280.0, 800.0));
        let card = |at: Pos2| Rect::from_min_size(at, vec2(WIDTH, HEIGHT));
        for place in [
            Rect::from_min_size(pos2(12.0, 60.0), vec2(230.0, 150.0)),
            Rect::from_min_size(pos2(1040.0, 60.0), vec2(230.0, 300.0)),
            Rect::from_min_size(pos2(260.0, 570.0), vec2(750.0, 40.0)),
        ] {
            let card = card(place_for(room, Some(place)));
            assert!(!card.intersects(place), "{place:?}");
            assert!(room.contains_rect(card));
        }
        assert!(room.contains_rect(card(place_for(room, None))));
    }
}
