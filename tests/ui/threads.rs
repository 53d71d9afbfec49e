//! The setting for computing threads in the window: chosen, told, used, kept.

use egui_kittest::kittest::Queryable as _;
use mondegreen::engine::{EngineOptions, automatic_threads};
use mondegreen::ui::UiCommand;

use crate::driver::{Kept, Lab, USUAL, choose, engine, has, keep, open, until_said};

/// The window with what an earlier one kept, and with `--threads` of the command line.
fn window(kept: &Kept, threads: Option<usize>) -> Lab {
    open(kept, EngineOptions { threads, ..engine() }, USUAL)
}

/// How the engine's threads are told.
fn told(threads: usize) -> String {
    format!(" · {threads} thread{}", if threads == 1 { "" } else { "s" })
}

fn shown(harness: &Lab) -> Option<String> {
    harness.get_by_label("Computing threads").value()
}

#[test]
fn threads_are_chosen_in_the_window_used_by_the_next_attack_and_kept() {
    let mut harness = window(&Kept::default(), None);
    let automatic = format!("automatic ({})", automatic_threads());
    assert_eq!(shown(&harness), Some(automatic.clone()));
    until_said(&mut harness, &told(automatic_threads()));

    choose(&mut harness, "Computing threads", "1");
    assert_eq!(shown(&harness).as_deref(), Some("1"));
    until_said(&mut harness, &told(1));

    harness.get_by_label("Glockenspiel").click();
    until_said(&mut harness, "Glockenspiel 0.");
    choose(&mut harness, "Attack method", "White noise");
    harness.get_by_label("Attack").click();
    until_said(&mut harness, "Result: Noise");
    // Another number afterwards changes nothing of what is told of the result.
    harness.state_mut().ask(UiCommand::SetThreads(Some(3)));
    harness.run_steps(3);
    until_said(&mut harness, &told(3));
    assert!(has(&harness, "seed 0 · 1 thread · "), "the result tells how it was computed");

    let kept = keep(&mut harness);
    let later = window(&kept, None);
    assert_eq!(shown(&later).as_deref(), Some("3"));
    assert!(has(&later, &told(3)));
}

#[test]
fn the_command_line_counts_for_one_run_and_is_not_kept() {
    let mut harness = window(&Kept::default(), Some(2));
    assert_eq!(shown(&harness).as_deref(), Some("2"));
    assert!(has(&harness, &told(2)));
    let later = window(&keep(&mut harness), None);
    assert_eq!(shown(&later), Some(format!("automatic ({})", automatic_threads())));
}
