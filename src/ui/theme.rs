//! The look: colours, type and spacing of both themes, all in this file.

use std::sync::Arc;

use eframe::egui::{
    self, Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, RichText,
    Stroke, TextStyle, Theme, Ui, Visuals, epaint::Shadow,
};

use crate::audio::player::Side;

/// Height of buttons, fields and segments.
pub const CONTROL_HEIGHT: f32 = 26.0;
/// Space between neighbouring cards.
pub const GAP: f32 = 8.0;
/// Space between a card's edge and its content.
pub const CARD_PADDING: f32 = 11.0;
/// Radius of a card's corners.
pub const CARD_RADIUS: u8 = 8;
/// Radius of a control's corners.
pub const CONTROL_RADIUS: u8 = 6;

/// Sizes of type, in points.
pub const BODY: f32 = 13.0;
/// Titles of panes and names of clips.
pub const TITLE: f32 = 14.5;
/// Captions, axis labels, units.
pub const SMALL: f32 = 11.5;

/// The colours of one theme. Text colours keep 4.5:1 against every surface they lie on.
pub struct Palette {
    /// Behind the cards.
    pub window: Color32,
    /// Top bar, bottom bar and side columns.
    pub panel: Color32,
    /// Cards.
    pub card: Color32,
    /// Edges of cards and bars.
    pub edge: Color32,
    /// Buttons, fields, tracks.
    pub field: Color32,
    /// The same under the pointer.
    pub field_hover: Color32,
    /// The same when chosen or pressed.
    pub field_active: Color32,
    /// Text.
    pub text: Color32,
    /// Text that explains.
    pub quiet: Color32,
    /// The original's colour, for text and lines.
    pub original: Color32,
    /// The adversarial clip's colour, for text and lines.
    pub adversarial: Color32,
    /// The difference's colour, for text and lines.
    pub difference: Color32,
    /// The large button.
    pub primary: Color32,
    /// The large button under the pointer.
    pub primary_hover: Color32,
    /// Text on the large button.
    pub on_primary: Color32,
    /// What went well.
    pub good: Color32,
    /// What needs attention.
    pub warning: Color32,
    /// What failed.
    pub error: Color32,
}

const DARK: Palette = Palette {
    window: Color32::from_rgb(0x0f, 0x13, 0x18),
    panel: Color32::from_rgb(0x14, 0x18, 0x1e),
    card: Color32::from_rgb(0x1b, 0x20, 0x27),
    edge: Color32::from_rgb(0x29, 0x30, 0x39),
    field: Color32::from_rgb(0x28, 0x2f, 0x39),
    field_hover: Color32::from_rgb(0x31, 0x3a, 0x46),
    field_active: Color32::from_rgb(0x3c, 0x47, 0x56),
    text: Color32::from_rgb(0xe6, 0xe9, 0xed),
    quiet: Color32::from_rgb(0x9d, 0xa7, 0xb3),
    original: Color32::from_rgb(0x5b, 0xcf, 0xd3),
    adversarial: Color32::from_rgb(0xff, 0x8d, 0x70),
    difference: Color32::from_rgb(0xb8, 0xa3, 0xff),
    primary: Color32::from_rgb(0xff, 0x7a, 0x59),
    primary_hover: Color32::from_rgb(0xff, 0x8f, 0x72),
    on_primary: Color32::from_rgb(0x20, 0x0d, 0x06),
    good: Color32::from_rgb(0x6f, 0xcf, 0x86),
    warning: Color32::from_rgb(0xf0, 0xc0, 0x60),
    error: Color32::from_rgb(0xff, 0x8a, 0x8a),
};

const LIGHT: Palette = Palette {
    window: Color32::from_rgb(0xe3, 0xe7, 0xec),
    panel: Color32::from_rgb(0xf5, 0xf7, 0xf9),
    card: Color32::from_rgb(0xff, 0xff, 0xff),
    edge: Color32::from_rgb(0xd6, 0xdc, 0xe3),
    field: Color32::from_rgb(0xe9, 0xed, 0xf1),
    field_hover: Color32::from_rgb(0xdd, 0xe3, 0xea),
    field_active: Color32::from_rgb(0xcb, 0xd4, 0xde),
    text: Color32::from_rgb(0x1a, 0x20, 0x27),
    quiet: Color32::from_rgb(0x4e, 0x59, 0x65),
    original: Color32::from_rgb(0x00, 0x69, 0x70),
    adversarial: Color32::from_rgb(0xb2, 0x3a, 0x17),
    difference: Color32::from_rgb(0x5f, 0x42, 0xc4),
    primary: Color32::from_rgb(0xc5, 0x43, 0x1d),
    primary_hover: Color32::from_rgb(0xb2, 0x3a, 0x17),
    on_primary: Color32::from_rgb(0xff, 0xff, 0xff),
    good: Color32::from_rgb(0x1a, 0x70, 0x36),
    warning: Color32::from_rgb(0x85, 0x5b, 0x00),
    error: Color32::from_rgb(0xb0, 0x20, 0x2c),
};

impl Palette {
    /// The palette of a theme.
    pub fn of(theme: Theme) -> &'static Self {
        match theme {
            Theme::Dark => &DARK,
            Theme::Light => &LIGHT,
        }
    }

    /// The colour that stands for a side everywhere.
    pub fn side(&self, side: Side) -> Color32 {
        match side {
            Side::Original => self.original,
            Side::Adversarial => self.adversarial,
            Side::Difference => self.difference,
        }
    }
}

/// The palette that is in use.
pub fn palette(ui: &Ui) -> &'static Palette {
    Palette::of(ui.ctx().theme())
}

/// Whether the window is so low that explanations go to tooltips and rows get fewer.
pub fn is_low(ui: &Ui) -> bool {
    ui.ctx().content_rect().height() < 720.0
}

/// The family of the heavier weight.
pub fn semibold() -> FontFamily {
    FontFamily::Name("semibold".into())
}

/// Text of some size in the heavier weight.
pub fn strong(text: impl Into<String>, size: f32) -> RichText {
    RichText::new(text).font(FontId::new(size, semibold()))
}

/// Small text that explains.
pub fn small(ui: &Ui, text: impl Into<String>) -> RichText {
    RichText::new(text).size(SMALL).color(palette(ui).quiet)
}

/// Installs type and both themes.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| {
            style.visuals = visuals(theme);
            style.text_styles = [
                (TextStyle::Small, FontId::proportional(SMALL)),
                (TextStyle::Body, FontId::proportional(BODY)),
                (TextStyle::Button, FontId::proportional(BODY)),
                (TextStyle::Heading, FontId::new(TITLE, semibold())),
                (TextStyle::Monospace, FontId::monospace(12.0)),
            ]
            .into();
            let spacing = &mut style.spacing;
            spacing.item_spacing = egui::vec2(8.0, 6.0);
            spacing.button_padding = egui::vec2(10.0, 4.0);
            spacing.interact_size = egui::vec2(40.0, CONTROL_HEIGHT);
            spacing.menu_margin = Margin::same(8);
            spacing.combo_height = 320.0;
            spacing.tooltip_width = 320.0;
            spacing.scroll = egui::style::ScrollStyle::floating();
            spacing.icon_width = 12.0;
            style.interaction.selectable_labels = false;
            style.interaction.tooltip_delay = 0.4;
            // Nothing slides or fades: a calm window, and no frames spent on it.
            style.animation_time = 0.0;
        });
    }
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let faces: [(&str, &'static [u8]); 2] = [
        ("Inter", include_bytes!("../../assets/fonts/Inter-Regular.ttf")),
        ("Inter SemiBold", include_bytes!("../../assets/fonts/Inter-SemiBold.ttf")),
    ];
    for (name, bytes) in faces {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let regular = fonts.families.entry(FontFamily::Proportional).or_default();
    let fallbacks = regular.clone();
    regular.insert(0, "Inter".to_owned());
    let heavy = std::iter::once("Inter SemiBold".to_owned()).chain(fallbacks).collect();
    fonts.families.insert(semibold(), heavy);
    fonts
}

fn visuals(theme: Theme) -> Visuals {
    let palette = Palette::of(theme);
    let mut visuals = match theme {
        Theme::Dark => Visuals::dark(),
        Theme::Light => Visuals::light(),
    };
    let radius = CornerRadius::same(CONTROL_RADIUS);
    let widgets = &mut visuals.widgets;
    for (widget, fill, text) in [
        (&mut widgets.noninteractive, palette.card, palette.text),
        (&mut widgets.inactive, palette.field, palette.text),
        (&mut widgets.hovered, palette.field_hover, palette.text),
        (&mut widgets.active, palette.field_active, palette.text),
        (&mut widgets.open, palette.field_active, palette.text),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::NONE;
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = radius;
        widget.expansion = 0.0;
    }
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, palette.edge);
    visuals.selection.bg_fill = palette.original.gamma_multiply(0.35);
    visuals.selection.stroke = Stroke::new(1.0, palette.text);
    visuals.weak_text_color = Some(palette.quiet);
    visuals.panel_fill = palette.panel;
    visuals.window_fill = palette.card;
    visuals.window_stroke = Stroke::new(1.0, palette.edge);
    visuals.window_corner_radius = CornerRadius::same(CARD_RADIUS);
    visuals.menu_corner_radius = CornerRadius::same(CARD_RADIUS);
    visuals.popup_shadow =
        Shadow { offset: [0, 4], blur: 16, spread: 0, color: Color32::from_black_alpha(70) };
    visuals.extreme_bg_color = palette.field;
    visuals.text_edit_bg_color = Some(palette.field);
    visuals.faint_bg_color = palette.field;
    visuals.hyperlink_color = palette.original;
    visuals.warn_fg_color = palette.warning;
    visuals.error_fg_color = palette.error;
    visuals.slider_trailing_fill = true;
    visuals
}
