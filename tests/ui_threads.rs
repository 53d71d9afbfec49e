//! The setting for computing threads in the window: chosen, told, used, kept.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use eframe::App as _;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use mondegreen::engine::{EngineOptions, automatic_threads};
use mondegreen::models::search_directories;
use mondegreen::ui::{App, Options, UiCommand};

/// What the window keeps from one run to the next.
#[derive(Clone, Default)]
struct Kept(HashMap<String, String>);

impl eframe::Storage for Kept {
    fn get_string(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }

    fn set_string(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }

    fn remove_string(&mut self, key: &str) {
        self.0.remove(key);
    }

    fn flush(&mut self) {}
}

/// The window with what an earlier one kept, and with `--threads` of the command line.
fn lab(kept: &Kept, threads: Option<usize>) -> Harness<'static, App> {
    let model_directories = search_directories(None);
    let engine = EngineOptions { model_directories, threads, ..Default::default() };
    let kept: &'static Kept = Box::leak(Box::new(kept.clone()));
    let mut harness =
        Harness::builder().with_size(eframe::egui::vec2(1280.0, 800.0)).build_eframe(|cc| {
            cc.storage = Some(kept);
            App::new(cc, Options { clip: None, engine }).expect("the window's application starts")
        });
    harness.run_steps(3);
    harness
}

fn keep(harness: &mut Harness<'static, App>) -> Kept {
    let mut kept = Kept::default();
    harness.state_mut().save(&mut kept);
    kept
}

fn has(harness: &Harness<'static, App>, part: &str) -> bool {
    harness.query_all_by_label_contains(part).next().is_some()
}

fn until(harness: &mut Harness<'static, App>, what: &str) {
    let start = Instant::now();
    while !has(harness, what) {
        assert!(start.elapsed() < Duration::from_secs(900), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
        harness.step();
    }
    harness.run_steps(2);
}

/// How the engine's threads are told.
fn told(threads: usize) -> String {
    format!(" · {threads} thread{}", if threads == 1 { "" } else { "s" })
}

fn shown(harness: &Harness<'static, App>) -> Option<String> {
    harness.get_by_label("Computing threads").value()
}

#[test]
fn threads_are_chosen_in_the_window_used_by_the_next_attack_and_kept() {
    let mut harness = lab(&Kept::default(), None);
    let automatic = format!("automatic ({})", automatic_threads());
    assert_eq!(shown(&harness), Some(automatic.clone()));
    until(&mut harness, &told(automatic_threads()));

    harness.get_by_label("Computing threads").click();
    harness.run_steps(3);
    let one = harness
        .query_all_by_label("1")
        .find(|node| node.accesskit_node().role() == eframe::egui::Role::Button)
        .expect("one thread is offered");
    one.click();
    harness.run_steps(3);
    assert_eq!(shown(&harness).as_deref(), Some("1"));
    until(&mut harness, &told(1));

    harness.get_by_label("Glockenspiel").click();
    until(&mut harness, "Glockenspiel 0.");
    harness.get_by_label("Attack method").click();
    harness.run_steps(3);
    harness
        .query_all_by_label("White noise")
        .find(|node| node.accesskit_node().role() == eframe::egui::Role::Button)
        .expect("the attack is offered")
        .click();
    harness.run_steps(3);
    harness.get_by_label("Attack").click();
    until(&mut harness, "Result: Noise");
    // Another number afterwards changes nothing of what is told of the result.
    harness.state_mut().ask(UiCommand::SetThreads(Some(3)));
    harness.run_steps(3);
    until(&mut harness, &told(3));
    assert!(has(&harness, "seed 0 · 1 thread · "), "the result tells how it was computed");

    let kept = keep(&mut harness);
    let later = lab(&kept, None);
    assert_eq!(shown(&later).as_deref(), Some("3"));
    assert!(has(&later, &told(3)));
}

#[test]
fn the_command_line_counts_for_one_run_and_is_not_kept() {
    let mut harness = lab(&Kept::default(), Some(2));
    assert_eq!(shown(&harness).as_deref(), Some("2"));
    assert!(has(&harness, &told(2)));
    let later = lab(&keep(&mut harness), None);
    assert_eq!(shown(&later), Some(format!("automatic ({})", automatic_threads())));
}
