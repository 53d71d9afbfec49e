//! What the centre shows before there is a clip: where to begin.

use eframe::egui::{
    Align2, Button, CornerRadius, FontId, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui,
    UiBuilder, pos2, vec2,
};

use super::LabUi;
use super::clip_card::bundled_grid;
use crate::assets::BUNDLED;
use crate::ui::UiCommand;
use crate::ui::demos::Demo;
use crate::ui::theme::{self, BODY, CONTROL_HEIGHT};
use crate::ui::widgets::{Icon, quiet_button};

/// Columns of bundled clips.
const COLUMNS: usize = 3;

impl LabUi<'_> {
    pub(super) fn start(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let (area, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
        let rows = BUNDLED.len().div_ceil(COLUMNS) as f32;
        let wanted = 302.0 + CONTROL_HEIGHT + 20.0 + rows * (CONTROL_HEIGHT + 6.0);
        let size = vec2(area.width().min(620.0), area.height().min(wanted));
        let sheet = Rect::from_center_size(area.center(), size);
        ui.painter().rect(
            sheet,
            CornerRadius::same(12),
            palette.card,
            Stroke::new(1.0, palette.edge),
            StrokeKind::Inside,
        );
        let inside = sheet.shrink(30.0);
        let painter = ui.painter();
        let icon =
            Rect::from_center_size(pos2(inside.center().x, inside.top() + 20.0), vec2(36.0, 36.0));
        Icon::Drop.paint(painter, icon, 32.0, palette.original);
        let headline = painter.text(
            pos2(inside.center().x, icon.bottom() + 14.0),
            Align2::CENTER_TOP,
            "Drop a recording here",
            FontId::new(22.0, theme::semibold()),
            palette.text,
        );
        let line = painter.text(
            pos2(inside.center().x, headline.bottom() + 8.0),
            Align2::CENTER_TOP,
            "The model names it, an attack makes the model mishear it, and you hear both.",
            FontId::proportional(BODY),
            palette.quiet,
        );
        let rest =
            Rect::from_min_max(pos2(inside.left(), line.bottom() + 24.0), inside.right_bottom());
        // Large type in a small window needs more room than there is.
        let scroll = ScrollArea::vertical().max_height(rest.height());
        ui.scope_builder(UiBuilder::new().max_rect(rest), |ui| {
            scroll.show(ui, |ui| self.beginnings(ui));
        });
    }

    /// All that one can begin with.
    fn beginnings(&mut self, ui: &mut Ui) {
        self.other_ways(ui);
        ui.add_space(8.0);
        ui.label(theme::strong("or begin with one of these", BODY));
        ui.add_space(2.0);
        bundled_grid(ui, COLUMNS, self.asked);
        ui.add_space(8.0);
        ui.label(theme::strong("or see at once what it is about", BODY));
        ui.add_space(2.0);
        ui.horizontal_wrapped(|ui| {
            for (index, demo) in Demo::ALL.iter().enumerate() {
                if quiet_button(ui, demo.title).on_hover_text(demo.lesson).clicked() {
                    self.asked.push(UiCommand::Demo(index));
                }
            }
            let tour = quiet_button(ui, "Take the tour");
            if tour.on_hover_text("Ten steps, which drive the Lab").clicked() {
                self.asked.push(UiCommand::Tour(Some(0)));
            }
        });
    }

    /// For those who have nothing to drop.
    fn other_ways(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let size = vec2((ui.available_width() - 8.0) / 2.0, CONTROL_HEIGHT + 4.0);
            let open = ui.add(Button::new("Open a file…").min_size(size));
            if open.on_hover_text("A recording of any kind, up to a minute long (Ctrl O)").clicked()
            {
                self.asked.push(UiCommand::ChooseClip);
            }
            let record = ui.add(Button::new("Record with a microphone…").min_size(size));
            let tooltip = "Up to 10 s: clap, knock, jangle your keys (Ctrl R)";
            if record.on_hover_text(tooltip).clicked() {
                self.asked.push(UiCommand::OpenRecorder);
            }
        });
    }
}
