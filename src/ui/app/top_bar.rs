//! The bar at the top: name, tabs, device, theme, help.

use eframe::egui::{
    Align, Button, CornerRadius, FontId, Layout, RichText, Role, Sense, Stroke, StrokeKind,
    ThemePreference, Ui, WidgetInfo, vec2,
};

use super::{App, UiCommand};
use crate::ui::settings::{LARGEST_ZOOM, SMALLEST_ZOOM};
use crate::ui::tab::Tab;
use crate::ui::theme::{self, CONTROL_HEIGHT};
use crate::ui::widgets::{Icon, icon_button, sheet};

impl App {
    pub(super) fn top_bar(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            let size = 16.0;
            ui.label(theme::strong("Monde", size).color(palette.text));
            ui.label(theme::strong("green", size).color(palette.adversarial));
            ui.add_space(18.0);
            ui.spacing_mut().item_spacing.x = 6.0;
            for tab in Tab::ALL {
                let chosen = self.tab == tab;
                let ink = if chosen { palette.text } else { palette.quiet };
                let fill = if chosen { palette.field_active } else { palette.panel };
                let button = Button::new(RichText::new(tab.title()).color(ink))
                    .fill(fill)
                    .min_size(vec2(52.0, 28.0));
                let response = ui.add(button).on_hover_text(tab.tooltip());
                let name = format!("{} tab", tab.title());
                response.widget_info(|| WidgetInfo::selected(Role::Tab, true, chosen, &name));
                if response.clicked() {
                    self.asked.push(UiCommand::ShowTab(tab));
                }
            }

            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let help = Button::new(theme::strong("?", theme::BODY))
                    .min_size(vec2(CONTROL_HEIGHT + 4.0, CONTROL_HEIGHT));
                let help = ui.add(help).on_hover_text("Keys, and what this program is (F1)");
                if help.accessible_name("Help").clicked() {
                    self.asked.push(UiCommand::ToggleHelp);
                }
                let (icon, now, next) = match self.settings.theme {
                    ThemePreference::Dark => (Icon::Moon, "dark", ThemePreference::Light),
                    ThemePreference::Light => (Icon::Sun, "light", ThemePreference::System),
                    ThemePreference::System => {
                        (Icon::HalfAndHalf, "as the system says", ThemePreference::Dark)
                    }
                };
                let tooltip = format!("Theme: {now}. Click for the next of dark, light, system.");
                let button = icon_button(ui, icon, &format!("Theme: {now}"), false);
                if button.on_hover_text(tooltip).clicked() {
                    self.asked.push(UiCommand::SetTheme(next));
                }
                self.text_size(ui);
                self.device_pill(ui);
                let quiet = |words| Button::new(words).min_size(vec2(0.0, CONTROL_HEIGHT));
                let present = if self.lab.presenting { "Show all" } else { "Present" };
                let tooltip = "Large type and only what a class must see, or everything (F5)";
                if ui.add(quiet(present)).on_hover_text(tooltip).clicked() {
                    self.asked.push(UiCommand::TogglePresenter);
                }
                let tooltip = "Ten steps for a class, which drive the Lab";
                if ui.add(quiet("Tour")).on_hover_text(tooltip).clicked() {
                    self.asked.push(UiCommand::Tour(Some(0)));
                }
            });
        });
    }

    fn text_size(&mut self, ui: &mut Ui) {
        let button = Button::new(theme::strong("Aa", theme::BODY))
            .min_size(vec2(CONTROL_HEIGHT + 4.0, CONTROL_HEIGHT));
        let button = ui.add(button).on_hover_text("Text size (Ctrl +, Ctrl −, Ctrl 0)");
        let button = button.accessible_name("Text size");
        sheet(&button, "Text size", |ui| {
            ui.set_width(190.0);
            ui.label(theme::small(ui, "Size of text and everything else"));
            ui.horizontal(|ui| self.text_sizes(ui));
        });
    }

    fn text_sizes(&mut self, ui: &mut Ui) {
        let zoom = ui.ctx().zoom_factor();
        let tenths = (zoom * 10.0).round();
        let step = |ui: &mut Ui, words: &str, name: &str, to: f32| {
            let able = (SMALLEST_ZOOM..=LARGEST_ZOOM).contains(&to);
            let button =
                Button::new(theme::strong(words, theme::BODY)).min_size(vec2(36.0, CONTROL_HEIGHT));
            let button = ui.add_enabled(able, button).on_hover_text(name);
            button.accessible_name(name).clicked().then_some(UiCommand::SetZoom(to))
        };
        self.asked.extend(step(ui, "−", "Smaller text", (tenths - 1.0) / 10.0));
        let percent = format!("{:.0} %", zoom * 100.0);
        let reset = Button::new(percent).min_size(vec2(72.0, CONTROL_HEIGHT));
        let reset = ui.add(reset).on_hover_text("Back to 100 % (Ctrl 0)");
        if reset.accessible_name("Usual text size").clicked() {
            self.asked.push(UiCommand::SetZoom(1.0));
        }
        self.asked.extend(step(ui, "+", "Larger text", (tenths + 1.0) / 10.0));
    }

    fn device_pill(&self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let threads = self.engine.threads();
        let plural = if threads == 1 { "thread" } else { "threads" };
        let label = format!("{} · {threads} {plural}", self.lab.device.name);
        let busy = self.lab.running.is_some();
        let font = FontId::proportional(12.5);
        let galley = ui.painter().layout_no_wrap(label.clone(), font, palette.text);
        let size = vec2(galley.size().x + 39.0, CONTROL_HEIGHT);
        let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &label));
        let edge = Stroke::new(1.0, palette.edge);
        let painter = ui.painter();
        painter.rect_stroke(rect, CornerRadius::same(13), edge, StrokeKind::Inside);
        let colour = if busy { palette.adversarial } else { palette.good };
        painter.circle_filled(rect.left_center() + vec2(15.0, 0.0), 4.0, colour);
        let at = rect.left_center() + vec2(26.0, -galley.size().y / 2.0);
        painter.galley(at, galley, palette.text);
        let doing = if busy { "busy with an attack" } else { "ready" };
        response.on_hover_text(format!("Where the models compute; {doing}."));
    }
}
