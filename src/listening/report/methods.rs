//! The methods paragraph that can be pasted into a paper.

use std::collections::BTreeSet;

use super::{Participant, Report};
use crate::listening::Protocol;
use crate::listening::stats::DetectionModel;

impl Report {
    /// Protocol, trials, stimuli, playback, seeds and statistics, in sentences.
    pub fn methods(&self) -> String {
        let test = &self.start.test;
        let task = match test.protocol {
            Protocol::Abx => "an ABX discrimination task".to_owned(),
            Protocol::TwoAfc => "a two-alternative forced-choice task".to_owned(),
            Protocol::SameDifferent => "a same/different task".to_owned(),
            Protocol::Triple => {
                "the double-blind triple-stimulus hidden-reference method of ITU-R BS.1116 (grades \
                 from 1.0 to 5.0)"
                    .to_owned()
            }
            Protocol::TwoDown => staircase("2-down-1-up", "70.7"),
            Protocol::ThreeDown => staircase("3-down-1-up", "79.4"),
            Protocol::QuestPlus => {
                "a two-alternative forced-choice task whose SNR was set by QUEST+ (Watson, 2017)"
                    .to_owned()
            }
        };
        let told: Vec<_> = self.participants.iter().filter(|person| person.complete).collect();
        let unfinished: usize = self.participants.iter().map(Participant::unfinished).sum();
        let sessions: usize = told.iter().map(|person| person.sessions.len()).sum();
        let finished = sessions - told.iter().map(|person| person.unfinished()).sum::<usize>();
        let mut text = format!(
            "{}{} took part in {task}{}. ",
            count(told.len(), "listener", "listeners"),
            match finished {
                sessions if sessions == told.len() => String::new(),
                sessions => format!(", in {}", count(sessions, "session", "sessions")),
            },
            match unfinished {
                0 => String::new(),
                left => format!(
                    "; {} not evaluated",
                    count(left, "unfinished session is", "unfinished sessions are")
                ),
            }
        );
        let order = match test.order {
            crate::listening::test_file::Order::Balanced => "balanced and randomised",
            crate::listening::test_file::Order::Independent => "independently randomised",
        };
        text.push_str(&format!(
            "Each session had {} (fixed in advance, {order}, double-blind, without feedback)",
            count(test.trial_count(), "trial", "trials")
        ));
        if test.practice > 0 {
            let practice = count(test.practice, "practice trial", "practice trials");
            text.push_str(&format!(" after {practice} with feedback"));
        }
        if test.catch_trials > 0 {
            text.push_str(&format!(
                "; {} at an SNR of {} dB were mixed in and not counted",
                count(test.catch_trials, "catch trial", "catch trials"),
                test.catch_snr_db
            ));
        }
        text.push_str(". ");
        text.push_str(&self.stimuli_text());
        text.push_str(&self.playback_text());
        text.push_str(&self.statistics_text());
        let seeds: BTreeSet<String> = self
            .participants
            .iter()
            .flat_map(|participant| &participant.sessions)
            // The order of what is still to come is nobody's business.
            .filter(|session| session.complete)
            .map(|session| session.start.seed.to_string())
            .collect();
        let seeds: Vec<_> = seeds.into_iter().collect();
        if !seeds.is_empty() {
            text.push_str(&format!(
                "Randomisation {} (ChaCha8): {}. ",
                if seeds.len() == 1 { "seed" } else { "seeds" },
                seeds.join(", ")
            ));
        }
        text.push_str(&format!("Software: Mondegreen {}.", self.start.program));
        text
    }

    fn stimuli_text(&self) -> String {
        let stimuli = &self.start.stimuli;
        let seconds = |pick: fn(f64, f64) -> f64, from: f64| {
            stimuli.iter().map(|stimulus| stimulus.seconds).fold(from, pick)
        };
        let (shortest, longest) = (seconds(f64::min, f64::INFINITY), seconds(f64::max, 0.0));
        let length = if longest - shortest < 0.005 {
            format!("{longest:.2} s long")
        } else {
            format!("{shortest:.2} to {longest:.2} s long")
        };
        let pairs = count(stimuli.len(), "pair", "pairs");
        let mut text = format!(
            "Stimuli were {pairs} of original and perturbed sound, mono at 32 kHz, {length}"
        );
        let snrs: Vec<f64> = stimuli.iter().filter_map(|stimulus| stimulus.snr_db).collect();
        if self.protocol().is_adaptive() {
            let adaptive = &self.start.test.adaptive;
            text.push_str(&format!(
                ", the perturbation scaled to an SNR between {} and {} dB, starting at {} dB",
                adaptive.easiest_snr_db, adaptive.hardest_snr_db, adaptive.start_snr_db
            ));
        } else if let (Some(low), Some(high)) =
            (snrs.iter().copied().reduce(f64::min), snrs.iter().copied().reduce(f64::max))
        {
            if high - low < 0.05 {
                text.push_str(&format!(", with an SNR of {low:.1} dB"));
            } else {
                text.push_str(&format!(", with SNRs from {low:.1} to {high:.1} dB"));
            }
        }
        text.push_str(". ");
        text
    }

    fn playback_text(&self) -> String {
        let playback = &self.start.test.playback;
        let devices: BTreeSet<String> = self
            .participants
            .iter()
            .flat_map(|participant| &participant.sessions)
            .flat_map(|session| &session.played_on)
            .map(|(device, rate)| {
                let device = device.as_deref().unwrap_or("NO SOUND DEVICE (nothing was heard)");
                match rate {
                    Some(rate) => format!("{device} at {rate} Hz"),
                    None => device.to_owned(),
                }
            })
            .collect();
        let devices: Vec<_> = devices.into_iter().collect();
        let switching = if playback.restart_on_switch {
            "Switching began the sound anew"
        } else {
            "Sounds were switched sample-locked"
        };
        let looped = match (playback.looping, playback.region) {
            (true, Some([start, end])) => format!(", looped from {start:.2} to {end:.2} s"),
            (true, None) => ", looped".to_owned(),
            (false, Some([start, end])) => format!(", played from {start:.2} to {end:.2} s"),
            (false, None) => String::new(),
        };
        let on = if devices.is_empty() {
            String::new()
        } else {
            format!(" (played on {})", devices.join("; "))
        };
        format!(
            "Both sounds of a pair passed through the same 32-bit float chain and the same gain \
             ({:.2} dB){on}. {switching} with a linear crossfade of {} ms{looped}. ",
            20.0 * self.start.headroom_gain.log10(),
            playback.crossfade_ms
        )
    }

    fn statistics_text(&self) -> String {
        let model = DetectionModel::for_pairs(self.start.stimuli.len());
        let sensitivity = match self.protocol() {
            Protocol::TwoAfc => "d' = (z(H) - z(F)) / sqrt 2 and bias c".to_owned(),
            Protocol::Abx | Protocol::SameDifferent => {
                format!("d' for the {} model and bias c", model.title())
            }
            Protocol::Triple => {
                "the mean difference grade with Student's 95 % interval; trials with equal grades \
                 were left out of the test"
                    .to_owned()
            }
            _ => String::new(),
        };
        let mut text = String::new();
        if let Some(test) = &self.test {
            text.push_str(&format!(
                "Right answers were compared with chance by an exact one-sided binomial test at \
                 alpha = {} (exact size of one session's {:.4}); intervals are Clopper-Pearson, 95 %; sensitivity is \
                 {sensitivity}{}. ",
                self.start.test.alpha,
                test.size,
                match self.protocol() {
                    Protocol::Triple => "",
                    _ => " (Macmillan & Creelman, 2005), rates corrected log-linearly (Hautus, 1995)",
                }
            ));
            if self.participants.iter().filter(|person| person.complete).count() > 1 {
                text.push_str("p-values of participants were corrected after Holm (1979). ");
            }
        }
        if self.participants.iter().any(|participant| !participant.summary.thresholds.is_empty()) {
            text.push_str(
                "Thresholds are the midpoints of logistic psychometric functions of the SNR in dB \
                 (guess rate 0.5, lapse rate 0 to 0.06), fitted by maximum likelihood (Wichmann & \
                 Hill, 2001), with the shortest 95 % credible intervals under flat priors of \
                 threshold, logarithm of the slope and lapse rate (Kuss, J\u{e4}kel & Wichmann, \
                 2005). ",
            );
        }
        text
    }
}

fn staircase(rule: &str, percent: &str) -> String {
    format!(
        "a two-alternative forced-choice task whose SNR was set by a {rule} staircase (Levitt, 1971; \
         {percent} % right)"
    )
}

fn count(number: usize, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{number} {word}")
}
