//! A report in words, for people.

use super::{MeanThreshold, Participant, Pooled, RATES, Report, Said, Summary};
use crate::listening::Protocol;
use crate::listening::stats::Interval;

/// A probability as papers write it, with more digits where three would put it on the other side of
/// the level.
fn p_text(p: f64, alpha: f64) -> String {
    let rounded = (p * 1000.0).round() / 1000.0;
    match p {
        ..0.001 => "p < 0.001".to_owned(),
        _ if (p <= alpha) != (rounded <= alpha) => format!("p = {p:.5}"),
        _ => format!("p = {p:.3}"),
    }
}

/// A number with two digits, of which zero has no sign.
fn two_digits(value: f64) -> String {
    let text = format!("{value:.2}");
    if text == "-0.00" { "0.00".to_owned() } else { text }
}

/// The column of thresholds.
const THRESHOLD: &str = "Threshold (dB SNR)";

fn four_digits(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

impl Report {
    /// The verdict on a participant. What is not significant is called that, never "inaudible".
    pub fn verdict(&self, participant: &Participant) -> String {
        let Participant { summary, complete, p_holm, .. } = participant;
        let mut words = match (complete, participant.unfinished()) {
            (false, _) => "Not told yet: no session is finished.".to_owned(),
            (true, 0) => self.words_on(summary, *p_holm),
            (true, 1) => {
                format!(
                    "{} One unfinished session is not counted.",
                    self.words_on(summary, *p_holm)
                )
            }
            (true, several) => format!(
                "{} {several} unfinished sessions are not counted.",
                self.words_on(summary, *p_holm)
            ),
        };
        if participant.without_sound() {
            words.insert_str(0, "THERE WAS NO SOUND DEVICE, so nothing was heard. ");
        }
        words
    }

    /// The verdict on all together.
    pub fn pooled_verdict(&self, pooled: &Pooled) -> String {
        if !self.protocol().is_adaptive() {
            return self.words_on(&pooled.summary, pooled.summary.p);
        }
        if pooled.thresholds.is_empty() {
            return "Nobody has a threshold of which a mean could be told.".to_owned();
        }
        let several = pooled.thresholds.len() > 1;
        let mean = |mean: &MeanThreshold| {
            let of = match &mean.stimulus {
                Some(name) if several => format!(" of {name}"),
                _ => String::new(),
            };
            let others = match mean.of - mean.people {
                0 => String::new(),
                left => format!(", without {left} who have none or one beyond what was played"),
            };
            format!(
                "The mean threshold{of} is {:.1} dB SNR, over {} of {} people{others}.",
                mean.mean_db, mean.people, mean.of
            )
        };
        pooled.thresholds.iter().map(mean).collect::<Vec<_>>().join(" ")
    }

    fn words_on(&self, summary: &Summary, p: Option<f64>) -> String {
        let alpha = self.start.test.alpha;
        if self.protocol().is_adaptive() {
            return match summary.thresholds.as_slice() {
                [] => "Too few different levels for a threshold.".to_owned(),
                thresholds => thresholds
                    .iter()
                    .map(|threshold| {
                        let of = match (&threshold.stimulus, thresholds.len()) {
                            (Some(name), 2..) => format!(" of {name}"),
                            _ => String::new(),
                        };
                        match threshold.said() {
                            Said::At(db) => {
                                format!("The change{of} is just heard at an SNR of {db:.1} dB.")
                            }
                            Said::Above(db) => format!(
                                "The change{of} is heard up to the highest SNR that was played, \
                                 {db:.1} dB."
                            ),
                            Said::Below(db) => format!(
                                "The change{of} is hardly heard even at the lowest SNR that was \
                                 played, {db:.1} dB."
                            ),
                            Said::Nothing => format!(
                                "No threshold{of}: guessing explains the answers as well. That \
                                 does not show that the difference can't be heard."
                            ),
                        }
                    })
                    .collect::<Vec<_>>()
                    .join(" "),
            };
        }
        let Some(p) = p else {
            return match summary.grades {
                Some(_) => "Not significant: all grades are equal. That does not show that the \
                            difference can't be heard."
                    .to_owned(),
                None => "Not tested.".to_owned(),
            };
        };
        if p <= alpha {
            format!("Significant ({}): the difference was heard.", p_text(p, alpha))
        } else {
            format!(
                "Not significant ({}). That does not show that the difference can't be heard.",
                p_text(p, alpha)
            )
        }
    }

    /// Lines of a table of participants, the first one the titles.
    pub fn table(&self) -> Vec<Vec<String>> {
        let mut titles = vec!["Participant", "Right", "Share"];
        let adaptive = self.protocol().is_adaptive();
        let detects =
            matches!(self.protocol(), Protocol::Abx | Protocol::TwoAfc | Protocol::SameDifferent);
        let several = self.participants.len() > 1;
        if !adaptive {
            // Of levels that follow the answers a share of right ones has none.
            titles.extend(["95 % interval", "p"]);
        }
        if !adaptive && several {
            titles.push("p (Holm)");
        }
        if detects {
            titles.extend(["d'", "c"]);
        }
        if self.protocol() == Protocol::Triple {
            titles.extend(["Grade difference", "95 % interval"]);
        }
        let has_threshold = self.participants.iter().any(|p| !p.summary.thresholds.is_empty());
        if has_threshold {
            titles.extend([THRESHOLD, "95 % interval"]);
        }
        let catches = self.participants.iter().any(|p| p.summary.catches.1 > 0);
        if catches {
            titles.push("Catch trials");
        }
        let mut lines = vec![titles.into_iter().map(str::to_owned).collect::<Vec<_>>()];
        let several_levels = self.participants.iter().any(|p| p.summary.thresholds.len() > 1);
        let row = |name: String, summary: &Summary, p_holm: Option<f64>, complete: bool| {
            let none = || "-".to_owned();
            let range = |interval: Option<Interval>, digits: usize| {
                interval.map_or_else(none, |i| format!("{:.digits$} to {:.digits$}", i.low, i.high))
            };
            let mut cells = vec![
                name,
                format!("{}/{}", summary.right, summary.trials),
                if summary.trials == 0 {
                    none()
                } else {
                    percent(summary.right as f64 / summary.trials as f64)
                },
            ];
            if !adaptive {
                cells.push(range(Some(summary.interval), 2));
                let p = summary.p.filter(|_| complete);
                cells.push(p.map_or_else(none, four_digits));
            }
            if !adaptive && several {
                cells.push(p_holm.map_or_else(none, four_digits));
            }
            if detects {
                cells.push(summary.detection.map_or_else(none, |d| two_digits(d.d_prime)));
                cells.push(summary.detection.map_or_else(none, |d| two_digits(d.bias)));
            }
            if self.protocol() == Protocol::Triple {
                cells.push(summary.grades.map_or_else(none, |g| two_digits(g.mean)));
                cells.push(range(summary.grades.and_then(|g| g.interval), 2));
            }
            if has_threshold {
                let texts = |text: &dyn Fn(&super::Threshold) -> String| {
                    let all = summary.thresholds.iter().map(|threshold| {
                        named(threshold.stimulus.as_deref(), several_levels, text(threshold))
                    });
                    let all: Vec<_> = all.collect();
                    if all.is_empty() { none() } else { all.join("; ") }
                };
                cells.push(texts(&|threshold| match threshold.said() {
                    Said::At(db) => format!("{db:.1}"),
                    Said::Above(db) => format!("above {db:.1}"),
                    Said::Below(db) => format!("below {db:.1}"),
                    Said::Nothing => none(),
                }));
                cells.push(texts(&|threshold| range(threshold.interval(), 1)));
            }
            if catches {
                let (right, of) = summary.catches;
                cells.push(format!("{right}/{of}"));
            }
            cells
        };
        for participant in &self.participants {
            let Participant { id, summary, p_holm, complete, .. } = participant;
            let unfinished = participant.sessions.iter().filter(|session| !session.complete);
            let answers: usize = unfinished.map(|session| session.answers.len()).sum();
            let name = match (complete, participant.unfinished()) {
                (true, 0) => id.clone(),
                (true, left_out) => format!("{id} ({left_out} unfinished left out)"),
                (false, _) => format!("{id} (unfinished, {answers} answers)"),
            };
            lines.push(row(name, summary, *p_holm, *complete));
        }
        if let Some(pooled) = &self.pooled {
            let name = format!("All {} together", pooled.participants);
            let mut cells = row(name, &pooled.summary, None, true);
            if let Some(place) =
                lines[0].iter().position(|title| title == THRESHOLD).filter(|_| has_threshold)
            {
                let text = |text: &dyn Fn(&MeanThreshold) -> String| {
                    let all = pooled
                        .thresholds
                        .iter()
                        .map(|mean| named(mean.stimulus.as_deref(), several_levels, text(mean)));
                    let all: Vec<_> = all.collect();
                    if all.is_empty() { "-".to_owned() } else { all.join("; ") }
                };
                cells[place] = text(&|mean| {
                    format!("mean {:.1} ({} of {})", mean.mean_db, mean.people, mean.of)
                });
                cells[place + 1] = text(&|mean| {
                    let range = |i: Interval| format!("{:.1} to {:.1}", i.low, i.high);
                    mean.interval.map_or("-".to_owned(), range)
                });
            }
            lines.push(cells);
        }
        lines
    }

    /// What each number means, a sentence each; only of those that are told.
    pub fn explanations(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.protocol().is_adaptive() {
            lines.push(
                "p: how probable at least so many right answers are for somebody who only guesses \
                 (exact one-sided binomial test)."
                    .to_owned(),
            );
            if self.participants.len() > 1 {
                lines.push(
                    "p (Holm): the same, made larger for the number of participants, so that the \
                     chance of any false alarm among them stays below the level."
                        .to_owned(),
                );
            }
        }
        if !self.protocol().is_adaptive() {
            lines.push(
                "95 % interval of the share: the true shares that the answers do not contradict \
                 (Clopper and Pearson, exact)."
                    .to_owned(),
            );
        }
        let shown = self.participants.iter().map(|participant| &participant.summary);
        if let Some(detection) = shown.clone().find_map(|summary| summary.detection) {
            lines.push(format!(
                "d': the distance of the two sounds in standard deviations of what is heard, 0 at \
                 chance and below (model: {}; rates corrected after Hautus).",
                detection.model.title()
            ));
            let (yes, no) = match self.protocol() {
                Protocol::SameDifferent => ("different", "same"),
                _ => ("A", "B"),
            };
            lines.push(format!(
                "c: to which answer somebody leans, below 0 to \u{201c}{yes}\u{201d}, above 0 to \
                 \u{201c}{no}\u{201d}."
            ));
        }
        if shown.clone().any(|summary| summary.grades.is_some()) {
            lines.push(
                "Grade difference: grade of the changed sound less that of the hidden reference; 0 is \
                 no difference, -1 \u{201c}perceptible, but not annoying\u{201d} (BS.1116)."
                    .to_owned(),
            );
        }
        if shown.clone().any(|summary| !summary.thresholds.is_empty()) {
            lines.push(
                "Threshold: the SNR half-way between guessing and the best, from a logistic function \
                 (guess rate 0.5, lapse rate up to 0.06) by maximum likelihood, told where it is \
                 more likely than guessing (likelihood ratio, 5 % level). Its interval is the \
                 shortest that holds it with a probability of 95 %, counting every slope and \
                 lapse rate that the answers allow; the JSON also has that of a bootstrap of 1000, which is too narrow after a staircase."
                    .to_owned(),
            );
            if self.pooled.is_some() {
                lines.push(
                    "Thresholds together: the mean over people who have one, with Student's \
                     interval between people."
                        .to_owned(),
                );
            }
        }
        if let Some(test) = &self.test {
            let trials = self.start.test.trial_count();
            let needed = match test.critical {
                Some(right) => format!("{right} of {trials} right answers are needed"),
                None => format!("with {trials} trials no result can be significant"),
            };
            let power: Vec<_> = RATES
                .iter()
                .zip(test.power)
                .zip(test.needed)
                .map(|((rate, power), needed)| {
                    let needed = needed.map_or("over 2000".to_owned(), |n| n.to_string());
                    format!(
                        "right {}: {} ({needed} trials for 80 %)",
                        percent(*rate),
                        percent(power)
                    )
                })
                .collect();
            lines.push(format!(
                "Power: {needed}; somebody who only guesses passes in {:.1} %. Somebody who is {}.{}",
                100.0 * test.size,
                power.join("; "),
                self.protocol().power_caveat()
            ));
        }
        lines
    }
}

/// What is told of a pair or ladder, under its name where there are several.
fn named(stimulus: Option<&str>, several: bool, text: String) -> String {
    match stimulus {
        Some(name) if several => format!("{name}: {text}"),
        _ => text,
    }
}
