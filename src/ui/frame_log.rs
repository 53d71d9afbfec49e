//! For measuring the real window: writes one line of comma-separated values a frame to a file.
//!
//! On only where the environment variable `MONDEGREEN_FRAME_LOG` names that file; see
//! [`HEADER`] for the columns. `scripts/frame-times.sh` makes figures of it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The environment variable that names the file.
pub const VARIABLE: &str = "MONDEGREEN_FRAME_LOG";

/// The columns: seconds since the start at which the frame began; milliseconds since the frame
/// before it began; milliseconds spent taking in events (`logic`) and laying the window out
/// (`ui`); milliseconds of the whole frame as eframe counts them, which adds tessellation, uploads
/// and the calls of OpenGL, but not the wait for the screen; milliseconds of processor that the
/// window's thread used from this frame's begin to the next one's, where the system tells
/// (elsewhere empty); 1 while an attack runs; 1 while a clip plays; and what the player has
/// counted so far.
pub const HEADER: &str =
    "seconds,interval_ms,logic_ms,ui_ms,frame_ms,cpu_ms,attacking,playing,dropouts";

/// How often lines reach the file.
const FLUSH: Duration = Duration::from_secs(1);

/// What the window was doing in a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doing {
    /// Whether an attack ran.
    pub attacking: bool,
    /// Whether a clip played.
    pub playing: bool,
    /// How often the sound has dropped out so far.
    pub dropouts: u64,
}

/// One frame that is not written yet: eframe tells its length only when the next one begins.
struct Pending {
    began: Instant,
    interval: Option<Duration>,
    cpu: Option<Duration>,
    logic: Duration,
    ui: Option<Duration>,
    doing: Doing,
}

/// Writes the lines.
pub struct FrameLog<W: Write = BufWriter<File>> {
    out: W,
    started: Instant,
    flushed: Instant,
    pending: Option<Pending>,
    /// Set when a part of a frame begins.
    part: Option<Instant>,
}

/// The log that the environment asks for; what keeps it from being written is said on stderr.
pub fn from_environment() -> Option<FrameLog> {
    let path = PathBuf::from(std::env::var_os(VARIABLE)?);
    let log = File::create(&path).and_then(|file| FrameLog::new(BufWriter::new(file)));
    log.inspect_err(|error| {
        eprintln!("mondegreen: frame times can't be written to {}: {error}", path.display());
    })
    .ok()
}

impl<W: Write> FrameLog<W> {
    /// A log that starts with the [`HEADER`].
    fn new(mut out: W) -> io::Result<Self> {
        writeln!(out, "{HEADER}")?;
        let now = Instant::now();
        Ok(Self { out, started: now, flushed: now, pending: None, part: None })
    }

    /// A frame begins; the one before took `frame` as eframe counts.
    pub fn frame_begins(&mut self, frame: Option<f32>) {
        let (now, cpu) = (Instant::now(), thread_time());
        let last = self.pending.take();
        let interval = last.as_ref().map(|last| now - last.began);
        if let Some(last) = last {
            let used = last.cpu.zip(cpu).map(|(from, to)| to.saturating_sub(from));
            self.write(&last, frame, used);
        }
        if now - self.flushed >= FLUSH {
            self.flushed = now;
            // A full disk only ends the measurement.
            self.out.flush().ok();
        }
        let (logic, doing) = (Duration::ZERO, Doing::default());
        self.pending = Some(Pending { began: now, interval, cpu, logic, ui: None, doing });
        self.part = Some(now);
    }

    /// The events of this frame have been taken in.
    pub fn logic_ends(&mut self) {
        if let (Some(pending), Some(began)) = (&mut self.pending, self.part.take()) {
            pending.logic = began.elapsed();
        }
    }

    /// The window is about to be laid out.
    pub fn ui_begins(&mut self) {
        self.part = Some(Instant::now());
    }

    /// The window has been laid out, maybe for the second time in this frame.
    pub fn ui_ends(&mut self, doing: Doing) {
        if let (Some(pending), Some(began)) = (&mut self.pending, self.part.take()) {
            *pending.ui.get_or_insert_default() += began.elapsed();
            pending.doing = doing;
        }
    }

    fn write(&mut self, pending: &Pending, frame: Option<f32>, cpu: Option<Duration>) {
        // A hidden window takes in events, but has no frames.
        let Some(ui) = pending.ui else { return };
        let milliseconds = |time: Option<Duration>| {
            time.map_or(String::new(), |t| format!("{:.3}", 1e3 * t.as_secs_f64()))
        };
        let Doing { attacking, playing, dropouts } = pending.doing;
        writeln!(
            self.out,
            "{:.4},{},{},{},{},{},{},{},{dropouts}",
            (pending.began - self.started).as_secs_f64(),
            milliseconds(pending.interval),
            milliseconds(Some(pending.logic)),
            milliseconds(Some(ui)),
            frame.map_or(String::new(), |seconds| format!("{:.3}", 1e3 * seconds)),
            milliseconds(cpu),
            u8::from(attacking),
            u8::from(playing),
        )
        .ok();
    }
}

/// Processor time that this thread has used, where the system tells.
fn thread_time() -> Option<Duration> {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).ok()
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    /// The lines of a log as columns of numbers; -1 for an empty field.
    fn columns(log: &FrameLog<Vec<u8>>) -> Vec<Vec<f64>> {
        let text = String::from_utf8(log.out.clone()).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(HEADER));
        let line =
            |line: &str| line.split(',').map(|field| field.parse().unwrap_or(-1.0)).collect();
        lines.map(line).collect()
    }

    #[test]
    fn a_slow_part_of_a_frame_is_seen_where_it_was_slow() {
        let slow = Duration::from_millis(30);
        let mut log = FrameLog::new(Vec::new()).unwrap();
        let doing = Doing { attacking: true, playing: false, dropouts: 3 };
        for slow_part in [0, 1, 2, 3] {
            let part = |number| {
                if number == slow_part {
                    sleep(slow);
                }
            };
            log.frame_begins(Some(0.25));
            part(1);
            log.logic_ends();
            log.ui_begins();
            part(2);
            log.ui_ends(doing);
            part(3);
        }
        log.frame_begins(None);
        let lines = columns(&log);
        assert_eq!(lines.len(), 4);
        let least = slow.as_secs_f64() * 1e3;
        // Sleeping lasts at least as long as asked for, and never uses the processor that long.
        assert!(lines[1][2] >= least && lines[1][3] < least, "logic: {lines:?}");
        assert!(lines[2][3] >= least && lines[2][2] < least, "ui: {lines:?}");
        assert!(lines[2][1] >= least && lines[3][1] >= least, "interval: {lines:?}");
        assert_eq!((lines[0][1], lines[0][4], lines[3][4]), (-1.0, 250.0, -1.0));
        assert!(lines.iter().all(|line| line[6..] == [1.0, 0.0, 3.0]));
        assert!(lines.windows(2).all(|pair| pair[0][0] < pair[1][0]));
        #[cfg(target_os = "linux")]
        assert!(lines.iter().all(|line| (0.0..least).contains(&line[5])), "cpu: {lines:?}");
    }

    #[test]
    fn a_hidden_window_has_no_frames() {
        let mut log = FrameLog::new(Vec::new()).unwrap();
        for _ in 0..3 {
            log.frame_begins(None);
            log.logic_ends();
        }
        assert!(columns(&log).is_empty());
    }
}
