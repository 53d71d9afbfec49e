//! The command palette: everything that can be asked for, found by typing.

use eframe::egui::{
    Align2, Area, Context, CornerRadius, FontId, Frame, Id, Key, Margin, Modifiers, Order, Rect,
    Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2,
};

use super::UiCommand;
use super::theme::{self, BODY, CONTROL_RADIUS, SMALL};

/// One line.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it does.
    pub title: String,
    /// Its key, or what kind of thing it is.
    pub hint: String,
    /// What is asked for.
    pub command: UiCommand,
}

/// Height of a line.
const LINE: f32 = 28.0;

/// Most lines that are shown at once.
const LINES: f32 = 11.0;

/// The palette while it is open.
#[derive(Default)]
pub struct CommandPalette {
    typed: String,
    chosen: usize,
}

/// What came of a frame.
pub enum Answer {
    /// People still look.
    Open,
    /// They want nothing.
    Closed,
    /// They want this.
    Chosen(UiCommand),
}

impl CommandPalette {
    /// Shows the palette.
    pub fn show(&mut self, ctx: &Context, entries: &[Entry]) -> Answer {
        let palette = theme::Palette::of(ctx.theme());
        let room = ctx.content_rect();
        let width = (room.width() - 60.0).min(560.0);
        let at = pos2(room.center().x - width / 2.0, room.top() + 70.0);
        let pressed = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        let (up, down) = (pressed(Key::ArrowUp), pressed(Key::ArrowDown));
        let (enter, escape) = (pressed(Key::Enter), pressed(Key::Escape));
        let found = found(entries, &self.typed);
        let count = found.len();
        if down && count > 0 {
            self.chosen = (self.chosen + 1) % count;
        }
        if up && count > 0 {
            self.chosen = (self.chosen + count - 1) % count;
        }
        let moved = up || down;
        self.chosen = self.chosen.min(count.saturating_sub(1));
        let mut clicked = None;
        let area = Area::new(Id::unique("command palette")).order(Order::Foreground).fixed_pos(at);
        let shown = area.show(ctx, |ui| {
            let frame = Frame::popup(ui.style()).fill(palette.card).inner_margin(Margin::same(10));
            frame.show(ui, |ui| {
                ui.set_width(width - 20.0);
                let edit = TextEdit::singleline(&mut self.typed)
                    .hint_text("Type what you want to do")
                    .desired_width(f32::INFINITY)
                    .margin(vec2(10.0, 7.0));
                let edit = ui.add(edit).accessible_name("What do you want to do?");
                edit.request_focus();
                if edit.changed() {
                    self.chosen = 0;
                }
                if found.is_empty() {
                    ui.label(theme::small(ui, "Nothing is called so."));
                }
                ui.spacing_mut().item_spacing.y = 0.0;
                ScrollArea::vertical().max_height(LINES * LINE).show(ui, |ui| {
                    for (index, entry) in found.iter().enumerate() {
                        if line(ui, entry, index == self.chosen, moved) {
                            clicked = Some(entry.command.clone());
                        }
                    }
                });
            });
        });
        if let Some(command) = clicked {
            return Answer::Chosen(command);
        }
        if enter && let Some(entry) = found.get(self.chosen) {
            return Answer::Chosen(entry.command.clone());
        }
        let elsewhere = ctx.input(|input| {
            let at = input.pointer.interact_pos();
            input.pointer.any_pressed() && at.is_some_and(|at| !shown.response.rect.contains(at))
        });
        if escape || elsewhere { Answer::Closed } else { Answer::Open }
    }
}

fn line(ui: &mut Ui, entry: &Entry, chosen: bool, moved: bool) -> bool {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, &entry.title));
    if chosen && moved {
        response.scroll_to_me(None);
    }
    if chosen || response.hovered() {
        let fill = if chosen { palette.field_active } else { palette.field };
        ui.painter().rect_filled(rect, CornerRadius::same(CONTROL_RADIUS), fill);
    }
    let inside = rect.shrink2(vec2(10.0, 0.0));
    let painter = ui.painter();
    let hint = painter.text(
        inside.right_center(),
        Align2::RIGHT_CENTER,
        &entry.hint,
        FontId::proportional(SMALL),
        palette.quiet,
    );
    painter
        .with_clip_rect(Rect::from_min_max(inside.min, pos2(hint.left() - 8.0, inside.bottom())))
        .text(
            inside.left_center(),
            Align2::LEFT_CENTER,
            &entry.title,
            FontId::proportional(BODY),
            palette.text,
        );
    response.clicked()
}

/// The entries that hold every typed word, those that begin with what was typed first.
fn found<'a>(entries: &'a [Entry], typed: &str) -> Vec<&'a Entry> {
    let typed = typed.trim().to_lowercase();
    let words: Vec<&str> = typed.split_whitespace().collect();
    let holds = |entry: &&Entry| {
        let text = format!("{} {}", entry.title, entry.hint).to_lowercase();
        words.iter().all(|word| text.contains(word))
    };
    let mut found: Vec<&Entry> = entries.iter().filter(holds).collect();
    found.sort_by_key(|entry| !entry.title.to_lowercase().starts_with(&typed));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(title: &str, hint: &str) -> Entry {
        Entry { title: title.to_owned(), hint: hint.to_owned(), command: UiCommand::Play }
    }

    #[test]
    fn every_word_counts_in_any_order_and_beginnings_come_first() {
        let entries =
            [entry("Attack with DeepFool", ""), entry("DeepFool, compared", ""), entry("Play", "")];
        let titles = |typed| -> Vec<String> {
            found(&entries, typed).into_iter().map(|entry| entry.title.clone()).collect()
        };
        assert_eq!(titles("deepf"), ["DeepFool, compared", "Attack with DeepFool"]);
        assert_eq!(titles("fool attack"), ["Attack with DeepFool"]);
        assert_eq!(titles("").len(), 3);
        assert!(titles("guitar").is_empty());
    }
}
