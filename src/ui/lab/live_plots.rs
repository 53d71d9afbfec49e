//! Confidence and SNR over the steps of an attack.

use eframe::egui::{
    Align, Color32, CornerRadius, FontId, Frame, Label, Layout, Margin, RichText, Stroke, Ui, vec2,
};
use egui_plot::{AxisHints, GridMark, HPlacement, Line, Plot, PlotPoint, PlotPoints};

use super::LabUi;
use crate::attacks::TracePoint;
use crate::figure::round_ticks;
use crate::ui::text;
use crate::ui::theme::{self, CARD_RADIUS, SMALL};
use crate::ui::widgets::caption;

/// More points than this are thinned out; the eye sees no difference.
const POINTS: usize = 500;

impl LabUi<'_> {
    pub(super) fn live_plots(&self, ui: &mut Ui, height: f32) {
        ui.columns_const(|[left, right]| {
            let palette = theme::palette(left);
            let trace = thin(self.lab.trace());
            let targeted = trace.iter().any(|point| point.target.is_some());
            let mut lines = vec![
                ("original", palette.original, points(&trace, |p| Some(p.original.into()))),
                ("leading", palette.adversarial, points(&trace, |p| Some(p.leading.into()))),
            ];
            if targeted {
                let target = points(&trace, |p| p.target.map(f64::from));
                lines.push(("target", palette.difference, target));
            }
            let empty = "Watch here how the model changes its mind.";
            let title = if left.available_width() < 330.0 {
                "Confidence"
            } else {
                "Confidence while attacking"
            };
            chart(left, height, title, lines, Some([0.0, 1.0]), 2, empty);
            let lines = vec![
                ("best so far", palette.text, points(&trace, |p| p.best_snr_db)),
                ("this step", palette.quiet, points(&trace, finite_snr)),
            ];
            let empty = "And here how small the change becomes.";
            chart(right, height, "SNR in dB", lines, None, 0, empty);
        });
    }
}

fn finite_snr(point: &TracePoint) -> Option<f64> {
    point.snr_db.is_finite().then_some(point.snr_db)
}

/// Every so many-th point, and the last.
fn thin(trace: &[TracePoint]) -> Vec<TracePoint> {
    let step = trace.len().div_ceil(POINTS).max(1);
    let mut thinned: Vec<_> = trace.iter().step_by(step).copied().collect();
    thinned.extend(trace.last().filter(|_| trace.len() % step != 1 && step > 1));
    thinned
}

fn points(trace: &[TracePoint], value: impl Fn(&TracePoint) -> Option<f64>) -> Vec<PlotPoint> {
    let point = |step: &TracePoint| Some(PlotPoint::new(step.iteration as f64, value(step)?));
    trace.iter().filter_map(point).filter(|point| point.y.is_finite()).collect()
}

/// A few round numbers; marks that are as important as the axis is long never fade.
fn marks((low, high): (f64, f64)) -> Vec<GridMark> {
    let marks = round_ticks(low, high, 4).into_iter();
    marks.map(|(value, _)| GridMark { value, step_size: high - low }).collect()
}

fn chart(
    ui: &mut Ui,
    height: f32,
    title: &'static str,
    lines: Vec<(&'static str, Color32, Vec<PlotPoint>)>,
    range: Option<[f64; 2]>,
    decimals: usize,
    empty: &str,
) {
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.card)
        .stroke(Stroke::new(1.0, palette.edge))
        .corner_radius(CornerRadius::same(CARD_RADIUS))
        .inner_margin(Margin { left: 10, right: 8, top: 7, bottom: 4 })
        .show(ui, |ui| {
            ui.set_min_size(vec2(ui.available_width(), height - 11.0));
            ui.spacing_mut().item_spacing.y = 2.0;
            let steps = lines.iter().map(|(_, _, points)| points.len()).max().unwrap_or(0);
            let some = steps > 1;
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 9.0;
                caption(ui, title);
                if some {
                    for (name, colour, _) in &lines {
                        ui.add(
                            Label::new(RichText::new(*name).size(11.0).color(*colour)).truncate(),
                        );
                    }
                }
            });
            if !some {
                let one = "This attack took a single step: there is no course to draw.";
                let words = if steps == 1 { one } else { empty };
                let words = theme::small(ui, words);
                ui.with_layout(Layout::top_down(Align::Min), |ui| ui.add(Label::new(words).wrap()));
                return;
            }
            let axis = AxisHints::new_y()
                .min_thickness(26.0)
                .placement(HPlacement::Left)
                .tick_label_font(FontId::proportional(SMALL - 1.0))
                .tick_label_color(palette.quiet)
                .formatter(move |mark, _| {
                    let decimals = if decimals > 0 { 1 } else { 0 };
                    text::number(mark.value, decimals)
                });
            let steps_axis = AxisHints::new_x()
                .tick_label_font(FontId::proportional(SMALL - 1.0))
                .tick_label_color(palette.quiet)
                .min_thickness(13.0)
                .formatter(|mark, _| text::number(mark.value, 0));
            let mut plot = Plot::new(title)
                .height(ui.available_height())
                .custom_y_axes(vec![axis])
                .custom_x_axes(vec![steps_axis])
                .allow_drag(false)
                .allow_zoom(false)
                .allow_scroll(false)
                .allow_boxed_zoom(false)
                .allow_double_click_reset(false)
                .allow_axis_zoom_drag(false)
                .show_background(false)
                .show_crosshair(false)
                .grid_color(palette.edge)
                .set_margin_fraction(vec2(0.01, 0.08))
                .include_x(0.0)
                .x_grid_spacer(|input| marks(input.bounds))
                .label_formatter(move |position| match position {
                    egui_plot::HoverPosition::NearDataPoint { plot_name, position, .. } => {
                        Some(format!(
                            "step {}\n{} {}",
                            text::number(position.x, 0),
                            plot_name,
                            text::number(position.y, decimals.max(1))
                        ))
                    }
                    egui_plot::HoverPosition::Elsewhere { .. } => None,
                });
            if range.is_none() {
                plot = plot.y_grid_spacer(|input| marks(input.bounds));
            }
            if let Some([low, high]) = range {
                let marks = [low, (low + high) / 2.0, high];
                plot = plot.y_grid_spacer(move |_| {
                    marks.map(|value| GridMark { value, step_size: high - low }).to_vec()
                });
                plot = plot.include_y(low).include_y(high);
            }
            plot.show(ui, |plot_ui| {
                // The first line is the most important one and lies on top.
                for (name, colour, points) in lines.into_iter().rev() {
                    let line = Line::new(name, PlotPoints::Owned(points)).color(colour).width(1.75);
                    plot_ui.line(line);
                }
            });
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_traces_are_thinned_and_keep_their_ends() {
        let point = |iteration| TracePoint {
            iteration,
            original: 0.5,
            leading: 0.5,
            target: None,
            snr_db: 30.0,
            best_snr_db: None,
        };
        for count in [0, 1, 2, 499, 500, 501, 10_000] {
            let trace: Vec<_> = (0..count).map(point).collect();
            let thinned = thin(&trace);
            assert!(thinned.len() <= POINTS + 1);
            assert_eq!(thinned.first(), trace.first());
            assert_eq!(thinned.last(), trace.last());
        }
    }
}
