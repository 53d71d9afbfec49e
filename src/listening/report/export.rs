//! A report as JSON, and its answers as CSV.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Participant, RATES, Report, Said, Summary, TestPower, Threshold};
use crate::files;
use crate::listening::stats::Interval;
use crate::listening::{Answer, ListenError};

fn pair(interval: Interval) -> Value {
    json!([interval.low, interval.high])
}

fn threshold_json(threshold: &Threshold) -> Value {
    let fit = &threshold.fit;
    json!({
        "stimulus": threshold.stimulus,
        "threshold_db": match threshold.said() {
            Said::At(db) => Some(db),
            _ => None,
        },
        "threshold_db_95": threshold.interval().map(pair),
        "threshold_db_95_bootstrap":
            threshold.interval().and(fit.bootstrap_interval).map(pair),
        "heard_up_to_db": match threshold.said() {
            Said::Above(db) => Some(db),
            _ => None,
        },
        "hardly_heard_at_db": match threshold.said() {
            Said::Below(db) => Some(db),
            _ => None,
        },
        "fitted_threshold_db": fit.curve.threshold_db,
        "log_likelihood": fit.log_likelihood,
        "slope_per_db": fit.curve.slope,
        "lapse_rate": fit.curve.lapse,
        "tracked_db": threshold.tracked_db,
        "levels": threshold.levels.iter().map(|level| {
            json!({ "snr_db": level.snr_db, "right": level.right, "trials": level.trials })
        }).collect::<Vec<_>>(),
    })
}

fn summary_json(summary: &Summary, tested: bool, adaptive: bool) -> Value {
    json!({
        "right": summary.right,
        "trials": summary.trials,
        "p": summary.p.filter(|_| tested),
        "share_95": (!adaptive).then(|| pair(summary.interval)),
        "d_prime": summary.detection.map(|d| d.d_prime),
        "d_prime_model": summary.detection.map(|d| d.model.title()),
        "bias_c": summary.detection.map(|d| d.bias),
        "grades": summary.grades.map(|g| json!({
            "trials": g.trials,
            "mean_difference": g.mean,
            "mean_difference_95": g.interval.map(pair),
            "t_test_p": g.t_p,
            "told_apart": g.told_apart,
            "identified": g.identified,
            "sign_test_p": g.sign_p,
        })),
        "thresholds": summary.thresholds.iter().map(threshold_json).collect::<Vec<_>>(),
        "catch_right": summary.catches.0,
        "catch_trials": summary.catches.1,
    })
}

fn participant_json(participant: &Participant, adaptive: bool) -> Value {
    json!({
        "participant": participant.id,
        "complete": participant.complete,
        "p_holm": participant.p_holm,
        "without_sound": participant.without_sound(),
        "result": summary_json(&participant.summary, participant.complete, adaptive),
        "sessions": participant.sessions.iter().map(|session| json!({
            "log": session.file.file_name().map(|name| name.to_string_lossy()),
            // The order of what is still to come is nobody's business.
            "seed": session.complete.then_some(session.start.seed),
            "complete": session.complete,
            "resumed": session.resumed,
            "last_hash": session.last_hash,
        })).collect::<Vec<_>>(),
    })
}

impl TestPower {
    /// Power and trials needed at each of [`RATES`].
    pub fn to_json(&self) -> Value {
        let rates = RATES.iter().zip(self.power).zip(self.needed);
        let rate = |((rate, power), needed): ((&f64, f64), Option<u64>)| json!({ "rate": rate, "power": power, "trials_for_80_percent": needed });
        rates.map(rate).collect()
    }
}

impl Report {
    /// Everything as one JSON object.
    pub fn to_json(&self) -> Value {
        let adaptive = self.protocol().is_adaptive();
        json!({
            "title": self.start.test.title,
            "protocol": self.protocol().name(),
            "alpha": self.start.test.alpha,
            "trials_per_session": self.start.test.trial_count(),
            "critical": self.test.as_ref().and_then(|test| test.critical),
            "exact_size": self.test.as_ref().map(|test| test.size),
            "power": self.test.as_ref().map(TestPower::to_json),
            "participants": self.participants.iter().map(|participant| {
                participant_json(participant, adaptive)
            }).collect::<Vec<_>>(),
            "pooled": self.pooled.as_ref().map(|pooled| json!({
                "participants": pooled.participants,
                "result": summary_json(&pooled.summary, true, adaptive),
                "mean_thresholds": pooled.thresholds.iter().map(|mean| json!({
                    "stimulus": mean.stimulus,
                    "mean_db": mean.mean_db,
                    "mean_db_95": mean.interval.map(pair),
                    "people": mean.people,
                    "of": mean.of,
                })).collect::<Vec<_>>(),
            })),
            "methods": self.methods(),
        })
    }

    /// Every answer of sessions that are whole as a line of CSV, practice and catch trials included,
    /// under a line of titles.
    ///
    /// # Errors
    /// None that is known of: the bytes are written to memory.
    pub fn to_csv(&self) -> Result<Vec<u8>, ListenError> {
        let failed = |error: String| ListenError::Report(format!("no CSV could be made: {error}"));
        let mut writer = csv::Writer::from_writer(Vec::new());
        let titles = [
            "participant",
            "log",
            "trial",
            "part",
            "stimulus",
            "snr_db",
            "a_changed",
            "b_changed",
            "third",
            "answer",
            "grade_a",
            "grade_b",
            "right",
            "seconds",
            "switches",
            "time_ms",
        ];
        writer.write_record(titles).map_err(|error| failed(error.to_string()))?;
        for participant in &self.participants {
            for session in participant.sessions.iter().filter(|session| session.complete) {
                let log = session.file.file_name().map(|name| name.to_string_lossy().into_owned());
                for answered in &session.answers {
                    let trial = &answered.trial;
                    let name = session.start.stimuli.get(trial.stimulus).map(|s| s.name.clone());
                    let third = trial.arrangement.third;
                    let third = third.map(|index| if index == 0 { "A" } else { "B" });
                    let (answer, grades) = match answered.answer {
                        Answer::Choice(choice) => {
                            let answers = self.protocol().answers();
                            (answers.get(usize::from(choice)).copied(), None)
                        }
                        Answer::Grades(grades) => (None, Some(grades)),
                    };
                    let number = |value: Option<f64>| value.map(|v| v.to_string());
                    let grade = |index: usize| grades.map(|g| g[index].to_string());
                    let part = serde_json::to_value(trial.part).ok();
                    let part = part.as_ref().and_then(Value::as_str).map(str::to_owned);
                    let cells = [
                        Some(participant.id.clone()),
                        log.clone(),
                        Some(trial.trial.to_string()),
                        part,
                        name,
                        number(trial.snr_db),
                        Some(trial.arrangement.changed[0].to_string()),
                        Some(trial.arrangement.changed[1].to_string()),
                        third.map(str::to_owned),
                        answer.map(str::to_owned),
                        grade(0),
                        grade(1),
                        answered.right.map(|right| right.to_string()),
                        Some(answered.seconds.to_string()),
                        Some(answered.switches.to_string()),
                        Some(answered.time_ms.to_string()),
                    ];
                    let cells = cells.map(Option::unwrap_or_default);
                    writer.write_record(cells).map_err(|error| failed(error.to_string()))?;
                }
            }
        }
        writer.into_inner().map_err(|error| failed(error.to_string()))
    }

    /// Writes `report.json`, `answers.csv`, `methods.txt` and, where psychometric functions were
    /// fitted, `psychometric.png`, `psychometric-2.png` and so on into a folder, which is made; files of these names are replaced.
    ///
    /// # Errors
    /// Where one can't be written.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>, ListenError> {
        let io = |path: &Path, source| ListenError::Io { path: path.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(|source| io(folder, source))?;
        let json = format!("{:#}\n", self.to_json());
        let mut written = Vec::new();
        for (name, bytes) in [
            ("report.json", json.into_bytes()),
            ("answers.csv", self.to_csv()?),
            ("methods.txt", format!("{}\n", self.methods()).into_bytes()),
        ] {
            let path = folder.join(name);
            files::replace(&path, &bytes).map_err(|source| io(&path, source))?;
            written.push(path);
        }
        for (number, figure) in self.figures().into_iter().enumerate() {
            let path = folder.join(match number {
                0 => "psychometric.png".to_owned(),
                _ => format!("psychometric-{}.png", number + 1),
            });
            figure.write(&path).map_err(|error| ListenError::Report(error.to_string()))?;
            written.push(path);
        }
        Ok(written)
    }
}
