//! The editor of lines: reedline, behind the little that the shell needs of it. reedline is before 1.0
//! and changes often; nothing else knows more of it than its traits.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reedline::{
    ColumnarMenu, EditMode, Emacs, ExternalPrinter, KeyCode, KeyModifiers, Keybindings,
    MenuBuilder, PromptEditMode, PromptHistorySearch, Reedline, ReedlineEvent, ReedlineMenu,
    Signal, ValidationResult, Validator, Vi, default_emacs_keybindings,
    default_vi_insert_keybindings, default_vi_normal_keybindings, default_vi_visual_keybindings,
};

use super::Read;
use super::completer::Completer;
use super::highlighter::Highlighter;
use super::hinter::Hinter;
use super::history::History;
use super::live::Live;
use super::prompt::Prompt;
use crate::args::{Keys, Options};

/// What the menu of completion is called within reedline.
const MENU: &str = "completion";
/// How often it is looked whether there are notices, or the program is to end.
const POLL: Duration = Duration::from_millis(50);
/// Notices that may wait while a command is done.
const NOTICES_MAX: usize = 64;

/// It.
pub(super) struct Editor {
    reedline: Reedline,
    is_over: Arc<AtomicBool>,
}

/// How it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looks {
    /// What keys mean.
    pub(super) keys: Keys,
    /// Whether colours are shown.
    pub(super) has_colour: bool,
}

impl Editor {
    /// For a terminal that can move its cursor. `is_over` ends whatever it waits for. With it comes why
    /// the lines cannot be kept, where they cannot.
    pub(super) fn new(
        live: &Arc<Live>,
        session: &Options,
        looks: Looks,
        is_over: &Arc<AtomicBool>,
    ) -> (Self, Option<String>) {
        let (history, complaint) = History::of_user();
        let notices = ExternalPrinter::new(NOTICES_MAX);
        live.notices.go_above(notices.sender());
        let menu = ColumnarMenu::default().with_name(MENU).with_marker("> ").with_columns(1);
        let reedline = Reedline::create()
            .with_history(Box::new(history))
            .with_completer(Box::new(Completer::new(live)))
            .with_highlighter(Box::new(Highlighter::new(live, session, looks.has_colour)))
            .with_hinter(Box::new(Hinter::new(looks.has_colour)))
            .with_validator(Box::new(Continuation))
            .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
            .with_quick_completions(true)
            .with_partial_completions(true)
            .with_ansi_colors(looks.has_colour)
            .use_bracketed_paste(true)
            .with_edit_mode(edit_mode(looks.keys))
            .with_external_printer(notices)
            .with_poll_interval(POLL)
            .with_break_signal(Arc::clone(is_over));
        (Self { reedline, is_over: Arc::clone(is_over) }, complaint)
    }

    /// The next line.
    pub(super) fn read(&mut self, prompt: &Prompt) -> Read {
        let _sane = Sane;
        match self.reedline.read_line(prompt) {
            Ok(Signal::Success(line)) => Read::Line(line),
            Ok(Signal::CtrlC) => Read::Interrupted,
            Ok(Signal::ExternalBreak(_)) => Read::Ended,
            // Whatever cannot be read any more has ended; it would say so again and again.
            _ => Read::End,
        }
    }

    /// What somebody answers; nothing where they would rather not.
    pub(super) fn ask(&mut self, question: &str) -> Option<String> {
        let _sane = Sane;
        let prompt = Question(question);
        let mut asked = Reedline::create()
            .with_ansi_colors(false)
            .with_poll_interval(POLL)
            .with_break_signal(Arc::clone(&self.is_over));
        match asked.read_line(&prompt) {
            Ok(Signal::Success(answer)) => Some(answer.trim().to_owned()),
            Ok(Signal::ExternalBreak(_)) => {
                // It was meant for the editor of lines too, which has not seen it.
                self.is_over.store(true, Ordering::Relaxed);
                None
            }
            _ => None,
        }
    }
}

/// A question, as what stands before its answer.
struct Question<'a>(&'a str);

impl reedline::Prompt for Question<'_> {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_history_search_indicator(&self, _: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Borrowed("")
    }
}

/// However reading ends, by a panic too, the terminal is as it was.
struct Sane;

impl Drop for Sane {
    fn drop(&mut self) {
        crossterm::terminal::disable_raw_mode().unwrap_or_default();
    }
}

/// A line that ends with a backslash goes on in the next one, as in a script.
struct Continuation;

impl Validator for Continuation {
    fn validate(&self, line: &str) -> ValidationResult {
        let is_whole = !line.ends_with('\\');
        if is_whole { ValidationResult::Complete } else { ValidationResult::Incomplete }
    }
}

fn edit_mode(keys: Keys) -> Box<dyn EditMode> {
    match keys {
        Keys::Emacs => Box::new(Emacs::new(with_menu(default_emacs_keybindings()))),
        Keys::Vi => {
            let insert = with_menu(default_vi_insert_keybindings());
            Box::new(Vi::new(
                insert,
                default_vi_normal_keybindings(),
                default_vi_visual_keybindings(),
            ))
        }
    }
}

/// Tab completes and goes on in the menu, Shift-Tab goes back.
fn with_menu(mut keys: Keybindings) -> Keybindings {
    let next = ReedlineEvent::UntilFound(vec![
        ReedlineEvent::Menu(MENU.to_owned()),
        ReedlineEvent::MenuNext,
    ]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, next);
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    keys
}
