//! Simulated listeners through the real session.

use std::sync::Arc;

use super::*;
use crate::listening::stats::{p_value, size};
use crate::listening::{
    Adaptive, Answered, Entry, Log, LogFile, LoggedSession, Part, Report, Stimulus, StimulusEntry,
    TestFile, read_log,
};

/// A short sound and a change of it.
fn pair(name: &str) -> Stimulus {
    let original: Vec<f32> = (0..64).map(|i| (i as f32 * 0.3).sin() * 0.4).collect();
    let changed: Vec<f32> =
        original.iter().enumerate().map(|(i, x)| x + 0.01 * (i as f32 * 1.7).cos()).collect();
    let (original, changed): (Arc<[f32]>, Arc<[f32]>) = (original.into(), changed.into());
    Stimulus { name: name.to_owned(), original, changed, files: None }
}

fn test(protocol: Protocol, trials: usize) -> TestFile {
    let mut test = TestFile::new("Simulated", protocol);
    test.trials = Some(trials);
    test.stimuli.push(StimulusEntry { folder: Some("x".into()), ..StimulusEntry::default() });
    test
}

/// Runs a session into a log and reads its answers.
fn answers(test: &TestFile, listener: Listener, seed: u64) -> Vec<Answered> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let stimuli = test.prepare(vec![pair("a")]).unwrap();
    let log = Log::File(LogFile::create(&path).unwrap());
    let mut session = Session::start(test.clone(), stimuli, "P", seed, log, 0).unwrap();
    run(&mut session, listener, seed, || 0, |_| false).unwrap();
    let entries = read_log(&path).unwrap();
    let answered = |entry| if let Entry::Answer(a) = entry { Some(a) } else { None };
    entries.into_iter().filter_map(answered).collect()
}

/// Right answers of a session that is written nowhere.
fn right(test: &TestFile, stimuli: &Stimuli, listener: Listener, seed: u64) -> u64 {
    let mut session =
        Session::start(test.clone(), stimuli.clone(), "P", seed, Log::Nowhere, 0).unwrap();
    let mut right = 0;
    run(
        &mut session,
        listener,
        !seed,
        || 0,
        |session| {
            right += u64::from(session.last_right() == Some(true));
            false
        },
    )
    .unwrap();
    right
}

#[test]
fn ten_thousand_guessers_pass_as_often_as_the_exact_size_says() {
    // The binomial has steps: no test of 16 trials has a size of 5 % (12 right have 3.84 %). With 30
    // trials it is 4.94 %, within 5 % +- 0.5 %. Of 10 000 sessions the share has a standard error of
    // 0.2 %.
    for (trials, least, most) in [(16, 0.033, 0.044), (30, 0.045, 0.055)] {
        let test = TestFile { practice: 0, ..test(Protocol::Abx, trials) };
        let stimuli = test.prepare(vec![pair("a")]).unwrap();
        let exact = size(trials as u64, 0.5, 0.05);
        assert!((least..most).contains(&exact), "{exact}");
        let passed = (0..10_000)
            .filter(|&seed| {
                let right = right(&test, &stimuli, Listener::Guessing, seed);
                p_value(right, trials as u64, 0.5) <= 0.05
            })
            .count();
        let share = passed as f64 / 10_000.0;
        assert!((least..most).contains(&share), "{trials} trials: {share}, exactly {exact}");
    }
}

#[test]
fn perfect_listeners_are_always_right_in_every_protocol() {
    for protocol in Protocol::ALL {
        let test = TestFile { catch_trials: 3, ..test(protocol, 12) };
        let answers = answers(&test, Listener::Perfect, 4);
        assert_eq!(answers.len(), 12 + 2 + 3);
        assert!(answers.iter().all(|answer| answer.right == Some(true)), "{protocol:?}");
        let parts = [Part::Practice, Part::Catch, Part::Test]
            .map(|part| answers.iter().filter(|answer| answer.trial.part == part).count());
        assert_eq!(parts, [2, 3, 12]);
        // Obvious trials are played at 0 dB.
        let catches = answers.iter().filter(|answer| answer.trial.part == Part::Catch);
        assert!(catches.map(|catch| catch.trial.snr_db).all(|snr| snr == Some(0.0)));
    }
}

#[test]
fn a_known_psychometric_function_is_met_at_a_fixed_level() {
    let test = TestFile { practice: 0, ..test(Protocol::TwoAfc, 400) };
    let stimuli = test.prepare(vec![pair("a")]).unwrap();
    let snr = stimuli.pairs[0].snr_db();
    let curve = Psychometric { threshold_db: snr, slope: 1.0, lapse: 0.0 };
    let right: u64 = (0..10).map(|s| right(&test, &stimuli, Listener::Hearing(curve), s)).sum();
    // At the threshold 75 % are right.
    assert!((right as f64 / 4000.0 - 0.75).abs() < 0.025, "{right}");
}

#[test]
fn staircases_find_a_known_threshold_within_half_a_decibel_on_average() {
    let curve = Psychometric { threshold_db: 41.3, slope: 0.7, lapse: 0.01 };
    for (protocol, target) in [
        (Protocol::TwoDown, Some(0.5_f64.sqrt())),
        (Protocol::ThreeDown, Some(0.5_f64.cbrt())),
        (Protocol::QuestPlus, None),
    ] {
        let adaptive = Adaptive { steps_db: vec![8.0, 4.0, 2.0, 1.0], ..Adaptive::default() };
        let test = TestFile { practice: 0, adaptive, ..test(protocol, 80) };
        let stimuli = test.prepare(vec![pair("a")]).unwrap();
        let truth = target.map_or(curve.threshold_db, |share| curve.level(share).unwrap());
        const RUNS: u64 = 60;
        let mut sum = 0.0;
        for seed in 0..RUNS {
            let mut session =
                Session::start(test.clone(), stimuli.clone(), "P", seed, Log::Nowhere, 0).unwrap();
            run(&mut session, Listener::Hearing(curve), seed, || 0, |_| false).unwrap();
            sum += session.estimates()[0].expect("an estimate");
        }
        let mean = sum / RUNS as f64;
        assert!((mean - truth).abs() < 0.5, "{protocol:?}: {mean} instead of {truth}");
    }
}

#[test]
fn a_report_of_a_staircase_has_the_threshold_and_its_interval() {
    let curve = Psychometric { threshold_db: 35.0, slope: 0.6, lapse: 0.0 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let test = test(Protocol::TwoDown, 80);
    let stimuli = test.prepare(vec![pair("a")]).unwrap();
    let log = Log::File(LogFile::create(&path).unwrap());
    let mut session = Session::start(test, stimuli, "P", 3, log, 0).unwrap();
    run(&mut session, Listener::Hearing(curve), 3, || 0, |_| false).unwrap();
    let report = Report::read(&[path]).unwrap();
    let threshold = &report.participants[0].summary.thresholds[0];
    assert!((threshold.fit.curve.threshold_db - 35.0).abs() < 4.0, "{threshold:?}");
    let interval = threshold.fit.threshold_interval.unwrap();
    assert!((interval.low..=interval.high).contains(&35.0), "{interval:?}");
    assert_eq!(threshold.tracked_db, session.estimates()[0]);
    assert_eq!(report.participants[0].summary.p, None);
}

#[test]
fn a_session_that_breaks_off_after_any_answer_goes_on_in_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    for protocol in [Protocol::Abx, Protocol::Triple, Protocol::TwoDown, Protocol::QuestPlus] {
        let adaptive = Adaptive { hardest_snr_db: 30.0, ..Adaptive::default() };
        let test = TestFile {
            catch_trials: 2,
            pause_after: 3,
            adaptive,
            consent: Some("Yes?".to_owned()),
            ..test(protocol, 8)
        };
        let whole = answers(&test, Listener::Perfect, 6);
        let stimuli = test.prepare(vec![pair("a")]).unwrap();
        for broken in 0..whole.len() {
            let path = folder.path().join(format!("{}-{broken}.jsonl", protocol.name()));
            let log = Log::File(LogFile::create(&path).unwrap());
            let mut session =
                Session::start(test.clone(), stimuli.clone(), "P", 6, log, 0).unwrap();
            if broken > 0 {
                let stop = |session: &Session| session.answered() == broken;
                run(&mut session, Listener::Perfect, 6, || 0, stop).unwrap();
            }
            drop(session);
            let mut session = Session::resume(&path, &test, stimuli.clone(), 1).unwrap();
            assert_eq!(session.answered(), broken);
            run(&mut session, Listener::Perfect, 6, || 0, |_| false).unwrap();
            let answered = |entry| if let Entry::Answer(a) = entry { Some(a) } else { None };
            let all: Vec<_> = read_log(&path).unwrap().into_iter().filter_map(answered).collect();
            assert_eq!(all, whole, "{protocol:?}, {broken}");
        }
    }
}

#[test]
fn a_log_is_not_gone_on_with_by_another_test_or_other_sounds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let test = test(Protocol::Abx, 8);
    let stimuli = test.prepare(vec![pair("a")]).unwrap();
    let log = Log::File(LogFile::create(&path).unwrap());
    drop(Session::start(test.clone(), stimuli.clone(), "P", 6, log, 0).unwrap());
    let other = TestFile { trials: Some(9), ..test.clone() };
    let error = Session::resume(&path, &other, stimuli.clone(), 1).unwrap_err().to_string();
    assert!(error.contains("another session file"), "{error}");
    let mut changed = stimuli.clone();
    changed.pairs[0].changed = changed.pairs[0].original.iter().map(|x| x * 0.9).collect();
    let error = Session::resume(&path, &test, changed, 1).unwrap_err().to_string();
    assert!(error.contains("other sounds"), "{error}");
    Session::resume(&path, &test, stimuli, 1).unwrap();
}

#[test]
fn what_a_participant_sees_does_not_depend_on_what_is_behind_the_letters() {
    // Sessions of many seeds, with all arrangements, show the same pages.
    for protocol in Protocol::ALL {
        let test = TestFile { practice: 0, catch_trials: 2, ..test(protocol, 6) };
        let stimuli = test.prepare(vec![pair("a")]).unwrap();
        let pages = |seed: u64| {
            let mut session =
                Session::start(test.clone(), stimuli.clone(), "P", seed, Log::Nowhere, 0).unwrap();
            let mut pages = Vec::new();
            let stop = |session: &Session| {
                let slots = session.sounds().map(|sounds| {
                    let slots: Vec<Slot> = sounds.slots.iter().map(|slot| slot.0).collect();
                    (slots, sounds.sounds.each_ref().map(|sound| sound.len()))
                });
                pages.push((session.screen(), slots));
                false
            };
            run(&mut session, Listener::Guessing, seed, || 0, stop).unwrap();
            pages
        };
        let first = pages(0);
        assert!((1..12).all(|seed| pages(seed) == first), "{protocol:?}");
    }
}

#[test]
fn answers_that_the_question_does_not_have_are_refused_and_nothing_is_lost() {
    let stimuli = |test: &TestFile| test.prepare(vec![pair("a")]).unwrap();
    let answer = |answer| Action::Answer { answer, seconds: 1.0, switches: 0 };
    for (protocol, bad) in [
        (Protocol::Abx, Answer::Choice(2)),
        (Protocol::Abx, Answer::Grades([5.0, 4.0])),
        (Protocol::Triple, Answer::Choice(0)),
        (Protocol::Triple, Answer::Grades([4.9, 4.0])),
        (Protocol::Triple, Answer::Grades([5.0, f32::NAN])),
    ] {
        let test = TestFile { practice: 0, ..test(protocol, 4) };
        let mut session =
            Session::start(test.clone(), stimuli(&test), "P", 1, Log::Nowhere, 0).unwrap();
        assert!(session.act(Action::Next, 0).is_err());
        session.act(Action::Volume(0.0, Environment::default()), 0).unwrap();
        session.act(Action::Next, 0).unwrap();
        let before = session.screen();
        session.act(answer(bad), 0).unwrap_err();
        assert_eq!(session.screen(), before);
    }
}

#[test]
fn a_log_that_contradicts_its_own_seed_is_found_out_however_its_chain_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let test = test(Protocol::Abx, 8);
    let stimuli = test.prepare(vec![pair("a")]).unwrap();
    let log = Log::File(LogFile::create(&path).unwrap());
    let mut session = Session::start(test, stimuli, "P", 6, log, 0).unwrap();
    run(&mut session, Listener::Guessing, 6, || 0, |_| false).unwrap();
    let whole = read_log(&path).unwrap();
    assert!(LoggedSession::read(&path).unwrap().complete);

    type Forge = fn(&mut Vec<Entry>);
    let forgeries: [(&str, Forge); 4] = [
        ("other letters", |log| {
            let wrong = log.iter_mut().find_map(|entry| match entry {
                Entry::Answer(answered) if answered.right == Some(false) => Some(answered),
                _ => None,
            });
            let wrong = wrong.expect("a guesser is wrong somewhere");
            wrong.trial.arrangement.third = wrong.trial.arrangement.third.map(|third| 1 - third);
            wrong.right = Some(true);
        }),
        ("a test trial as practice", |log| {
            let Entry::Answer(last) = &mut log[10] else { panic!("an answer") };
            last.trial.part = Part::Practice;
        }),
        ("an end before the end", |log| {
            log.remove(8);
        }),
        ("an answer twice", |log| {
            let twice = log[9].clone();
            log.insert(9, twice);
        }),
    ];
    for (number, (what, forge)) in forgeries.into_iter().enumerate() {
        let mut entries = whole.clone();
        forge(&mut entries);
        let path = folder.path().join(format!("{number}.jsonl"));
        let mut log = Log::File(LogFile::create(&path).unwrap());
        entries.iter().for_each(|entry| log.append(entry).unwrap());
        assert_eq!(read_log(&path).unwrap(), entries, "the chain holds");
        let error = LoggedSession::read(&path).expect_err(what).to_string();
        assert!(error.contains("line "), "{what}: {error}");
    }
}

#[test]
fn two_pairs_of_one_name_are_refused() {
    let test = test(Protocol::Abx, 8);
    let error = test.prepare(vec![pair("a"), pair("a")]).unwrap_err().to_string();
    assert!(error.contains("two pairs are called"), "{error}");
}
