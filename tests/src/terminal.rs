//! A terminal: a pseudo-terminal that a program runs in, with keys that are pressed and a screen that is
//! looked at. It answers what programs ask of a terminal, as where its cursor is.

mod svg;

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};

/// Lines above the screen that are kept.
const SCROLLBACK: usize = 1_000;

/// What a program asks for to know where the cursor is, as each start of reedline does.
const WHERE_IS_THE_CURSOR: &[u8] = b"\x1b[6n";

/// What is written between these is seen all at once (`?2026`, "Synchronized Output" of terminals): no
/// test sees half a frame.
const FRAME: [&[u8]; 2] = [b"\x1b[?2026h", b"\x1b[?2026l"];

/// Keys by their names.
pub mod keys {
    /// The key of that name.
    pub const ENTER: &str = "\r";
    /// The key of that name.
    pub const TAB: &str = "\t";
    /// The key of that name.
    pub const ESCAPE: &str = "\x1b";
    /// The key of that name.
    pub const UP: &str = "\x1b[A";
    /// The key of that name.
    pub const DOWN: &str = "\x1b[B";
    /// The key of that name.
    pub const LEFT: &str = "\x1b[D";
    /// The key of that name.
    pub const BACKSPACE: &str = "\x7f";
    /// Control and the letter.
    pub const CTRL_C: &str = "\x03";
    /// Control and the letter.
    pub const CTRL_D: &str = "\x04";
    /// Control and the letter.
    pub const CTRL_L: &str = "\x0c";
    /// Control and the letter.
    pub const CTRL_R: &str = "\x12";
    /// Control and the letter.
    pub const CTRL_U: &str = "\x15";
    /// Control and the letter.
    pub const CTRL_Z: &str = "\x1a";
}

/// A terminal that takes nothing, until this is dropped.
#[derive(Debug)]
pub struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// A program in a terminal. It is killed where the test ends before it does.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    parser: Arc<Mutex<vt100::Parser>>,
    raw: Arc<Mutex<Vec<u8>>>,
    held: Arc<AtomicBool>,
    child: Box<dyn Child + Send + Sync>,
}

/// A program that is to run in a terminal.
#[derive(Debug, Clone)]
pub struct Program {
    command: CommandBuilder,
    rows: u16,
    columns: u16,
    is_silent: bool,
}

impl Program {
    /// That program, in a terminal of 24 lines with 80 columns, in a UTF-8 locale.
    pub fn new(path: impl AsRef<OsStr>, arguments: &[&str]) -> Self {
        let mut command = CommandBuilder::new(path);
        command.args(arguments);
        for name in ["NO_COLOR", "PAGER", "LC_ALL", "LC_CTYPE", "PLEXY_ENDPOINT", "COLUMNS"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        Self { command, rows: 24, columns: 80, is_silent: false }
    }

    /// With a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// In that folder.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.command.cwd(folder);
        self
    }

    /// In a terminal of that size.
    #[must_use]
    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        (self.columns, self.rows) = (columns, rows);
        self
    }

    /// In a terminal that does not say where its cursor is.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.is_silent = true;
        self
    }

    /// Starts it.
    #[must_use]
    pub fn start(self) -> Terminal {
        let Self { command, rows, columns, is_silent } = self;
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        let reader = pair.master.try_clone_reader().unwrap();
        let writer = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let parser =
            Arc::new(Mutex::new(vt100::Parser::new(lines(rows), lines(columns), SCROLLBACK)));
        let (raw, held) = (Arc::default(), Arc::default());
        let screen = Screen {
            parser: Arc::clone(&parser),
            raw: Arc::clone(&raw),
            writer: Arc::clone(&writer),
            held: Arc::clone(&held),
            is_silent,
        };
        thread::spawn(move || screen.follow(reader));
        Terminal { master: pair.master, writer, parser, raw, held, child }
    }
}

fn lines(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("a terminal has lines and columns")
}

/// What is written to the terminal.
struct Screen {
    parser: Arc<Mutex<vt100::Parser>>,
    raw: Arc<Mutex<Vec<u8>>>,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    held: Arc<AtomicBool>,
    is_silent: bool,
}

impl Screen {
    fn follow(self, mut reader: Box<dyn Read + Send>) {
        let mut buffer = [0; 4096];
        let mut held = Vec::new();
        // Reading fails once nobody has the other side open.
        while let Ok(read @ 1..) = reader.read(&mut buffer) {
            while self.held.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
            self.raw.lock().unwrap().extend_from_slice(&buffer[..read]);
            held.extend_from_slice(&buffer[..read]);
            let rest = held.split_off(whole(&held));
            self.show(&std::mem::replace(&mut held, rest));
        }
        self.show(&held);
    }

    fn show(&self, bytes: &[u8]) {
        let mut parser = self.parser.lock().unwrap();
        parser.process(bytes);
        let asked = bytes.windows(4).filter(|it| *it == WHERE_IS_THE_CURSOR).count();
        let (row, column) = parser.screen().cursor_position();
        drop(parser);
        for _ in 0..if self.is_silent { 0 } else { asked } {
            let answer = format!("\x1b[{};{}R", row + 1, column + 1);
            // The program may have ended meanwhile.
            self.writer.lock().unwrap().write_all(answer.as_bytes()).ok();
        }
    }
}

/// How many of these bytes are no part of a frame that has only begun.
fn whole(bytes: &[u8]) -> usize {
    let [begin, end] = FRAME;
    let last = |mark: &[u8]| bytes.windows(mark.len()).rposition(|it| it == mark);
    let cut = || (1..begin.len()).rev().find(|length| bytes.ends_with(&begin[..*length]));
    match (last(begin), last(end)) {
        (Some(begun), ended) if ended.is_none_or(|ended| ended < begun) => begun,
        _ => bytes.len() - cut().unwrap_or_default(),
    }
}

impl Terminal {
    fn parser(&self) -> MutexGuard<'_, vt100::Parser> {
        self.parser.lock().unwrap()
    }

    /// Presses keys.
    pub fn press(&self, keys: &str) {
        self.press_bytes(keys.as_bytes());
    }

    /// Presses keys that need be no text.
    pub fn press_bytes(&self, keys: &[u8]) {
        let mut writer = self.writer.lock().unwrap();
        // The program may have ended meanwhile.
        writer.write_all(keys).and_then(|()| writer.flush()).ok();
    }

    /// Types a line and presses Enter.
    pub fn enter(&self, line: &str) {
        self.press(line);
        self.press(keys::ENTER);
    }

    /// What the screen shows, its lines without the blanks at their ends.
    #[must_use]
    pub fn screen(&self) -> String {
        let contents = self.parser().screen().contents();
        contents.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// The same as a picture (SVG), in its colours.
    #[must_use]
    pub fn picture(&self) -> String {
        svg::picture(self.parser().screen())
    }

    /// The last line with something in it.
    #[must_use]
    pub fn last_line(&self) -> String {
        self.screen().lines().rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
    }

    /// Whether the screen shows that text.
    #[must_use]
    pub fn shows(&self, text: &str) -> bool {
        self.screen().contains(text)
    }

    /// The styles of the first place where the screen shows that text: its colour, and whether it is
    /// bold, underlined or dim. The text has one column for each character.
    #[must_use]
    pub fn style(&self, text: &str) -> Option<Style> {
        let parser = self.parser();
        let screen = parser.screen();
        let (rows, columns) = screen.size();
        let (rows, columns) = (rows.get(), columns.get());
        (0..rows).find_map(|row| {
            let line = screen.rows(0, columns).nth(row.into())?;
            let column = line[..line.find(text)?].chars().count();
            let cell = screen.cell(row, u16::try_from(column).ok()?)?;
            Some(Style {
                colour: cell.fgcolor(),
                is_bold: cell.bold(),
                is_underlined: cell.underline(),
                is_dim: cell.dim(),
            })
        })
    }

    /// All bytes that were written to it.
    #[must_use]
    pub fn raw(&self) -> Vec<u8> {
        self.raw.lock().unwrap().clone()
    }

    /// Has it take nothing that is written to it, until what is returned is dropped: as one that is stopped,
    /// or behind a network that is.
    pub fn hold(&self) -> Held {
        self.held.store(true, Ordering::Relaxed);
        Held(Arc::clone(&self.held))
    }

    /// Makes it another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.parser().screen_mut().set_size(lines(rows), lines(columns));
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).unwrap();
    }

    /// Whether it is as a program finds and should leave it: lines are edited and shown by the terminal
    /// itself, and the cursor is seen, on the main screen.
    #[must_use]
    pub fn is_sane(&self) -> bool {
        let name = self.master.tty_name().unwrap();
        let terminal =
            rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let modes = tcgetattr(&terminal).unwrap().local_modes;
        let parser = self.parser();
        let is_main = !parser.screen().alternate_screen() && !parser.screen().hide_cursor();
        modes.contains(LocalModes::ICANON | LocalModes::ECHO) && is_main
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Its pid.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// How it has ended, once it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }
}

/// How a place of the screen is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Its colour.
    pub colour: vt100::Color,
    /// Whether it is bold.
    pub is_bold: bool,
    /// Whether it is underlined.
    pub is_underlined: bool,
    /// Whether it is dim.
    pub is_dim: bool,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_has_only_begun_is_not_seen() {
        #[track_caller]
        fn check(bytes: &[u8], shown: &[u8]) {
            assert_eq!(
                bytes[..whole(bytes)].escape_ascii().to_string(),
                shown.escape_ascii().to_string()
            );
        }
        check(b"", b"");
        check(b"text\x1b[1m", b"text\x1b[1m");
        check(b"a\x1b[?2026hb", b"a");
        check(b"a\x1b[?2026hb\x1b[?2026", b"a");
        check(b"a\x1b[?2026hb\x1b[?2026l", b"a\x1b[?2026hb\x1b[?2026l");
        check(b"\x1b[?2026hb\x1b[?2026lc\x1b[?2026hd", b"\x1b[?2026hb\x1b[?2026lc");
        check(b"a\x1b", b"a");
        check(b"a\x1b[?202", b"a");
    }
}
