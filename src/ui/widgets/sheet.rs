//! Small sheets under a button.

use eframe::egui::{Context, Id, Popup, PopupCloseBehavior, Response, Ui};

/// Whether a sheet is open, as of the pass in which it was last shown.
#[derive(Clone, Copy, Default)]
struct Open {
    open: bool,
    pass: u64,
}

fn id(button: &Response) -> Id {
    button.id.with("sheet")
}

fn stored(ctx: &Context, id: Id) -> bool {
    let Open { open, pass } = ctx.data(|data| data.get_temp(id)).unwrap_or_default();
    // One whose button was away for a while does not come back with it.
    open && pass + 1 >= ctx.cumulative_pass_nr()
}

/// Whether the sheet of a button is open.
pub fn sheet_is_open(button: &Response) -> bool {
    stored(&button.ctx, id(button))
}

/// A sheet that a click on the button opens and closes, and that stays until a click elsewhere or
/// Escape. Unlike egui's own popups, of which one at a time is open, it may hold lists that open.
pub fn sheet(button: &Response, name: &str, add_contents: impl FnOnce(&mut Ui)) {
    let ctx = &button.ctx;
    let id = id(button);
    let was_open = stored(ctx, id);
    let mut open = was_open ^ button.clicked();
    // A click into a list that lies over the sheet is one beside the sheet.
    let list_is_open = Popup::is_any_open(ctx);
    let shown = Popup::from_response(button)
        .id(id.with("popup"))
        .open_bool(&mut open)
        .close_behavior(PopupCloseBehavior::IgnoreClicks)
        .accessible_name(name)
        .show(add_contents);
    if let Some(shown) = shown
        && was_open
        && !list_is_open
        && !button.clicked()
        && shown.response.clicked_elsewhere()
    {
        open = false;
        ctx.request_repaint();
    }
    let pass = ctx.cumulative_pass_nr();
    ctx.data_mut(|data| data.insert_temp(id, Open { open, pass }));
}
