//! A run: whom it measures, the gate, the steps, and what is shown at the end.

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};

use crate::args::{Args, Build, Pins};
use crate::contestant::{Contestant, Kind, build, build_of};
use crate::cpus::{Cpus, Layout, Pin};
use crate::effort::Effort;
use crate::environment::Environment;
use crate::launch::raise_descriptors;
use crate::progress::Progress;
use crate::record::{RawRows, Record};
use crate::report::Report;
use crate::row::{self, Row};
use crate::scene::Scene;
use crate::schedule::{Step, steps};
use crate::{gate, instructions, interrupt, million, shell, watch};

/// Rounds of a usual run, and of a quick one.
const ROUNDS: u32 = 5;
const ROUNDS_QUICK: u32 = 3;

/// The one that was named, or else that of this workspace.
fn plexyctl(named: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let Some(path) = named else { return build_of("plexyctl") };
    // A terminal would look for it among the commands.
    path.canonicalize().with_context(|| path.display().to_string())
}

/// Does what the command line says.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    if args.list {
        return list(&row::all());
    }
    let rows = chosen(&args.rows)?;
    interrupt::watch()?;
    raise_descriptors()?;
    let cpus = Cpus::available()?;
    if args.shell {
        return shell::run(&plexyctl(args.plexyctl)?, &cpus);
    }
    let contestants = contestants(&args)?;
    let plan = Plan::new(&args, &cpus);
    let environment = Environment::look(&contestants, &cpus)?;
    writeln!(io::stdout(), "{environment}")?;
    if let Some(connections) = args.million {
        let plexyd = contestants.iter().find(|it| it.is_plexyd());
        return million::run(connections, plexyd.context("--only leaves plexyd out")?, &cpus);
    }
    if args.watch {
        let plexyd = contestants.iter().find(|it| it.is_plexyd());
        let plexyd = plexyd.context("--only leaves plexyd out")?;
        return watch::run(plexyd, &plexyctl(args.plexyctl)?, &cpus, plan.effort);
    }
    if args.instructions {
        return instructions::run(&contestants, &cpus, plan.effort);
    }
    let path = args.out.map_or_else(default_out, Ok)?;
    let mut raw = RawRows::create(&path, &environment)?;
    let steps = steps(plan.rounds, &rows, &plan.pins, &contestants);
    let mut progress = Progress::new(contestants.len() + steps.len());
    for contestant in &contestants {
        progress.step(format_args!("gate: {}", contestant.label));
        gate::check(contestant, &cpus)?;
        if rows.iter().any(|row| row.tls.is_some())
            && let Some(note) = gate::check_tls(contestant, &cpus)?
        {
            progress.note(note);
        }
    }
    let mut records = Vec::new();
    for step in steps {
        if interrupt::is_interrupted() {
            break;
        }
        let Step { round, row, pin, contestant } = step;
        progress.step(format_args!("round {round}, {} {pin}, {}", row.name, contestant.label));
        let record = measure(step, plan.effort, &cpus);
        if let Some(failure) = record.failure.as_ref().filter(|_| !interrupt::is_interrupted()) {
            progress.note(format_args!("{} with {}: {failure}", row.name, contestant.label));
        }
        raw.write(&record)?;
        records.push(record);
    }
    drop(progress);
    let report = Report::new(&contestants, &rows, &records, plan.pins.first().copied());
    write!(io::stdout(), "{report}")?;
    writeln!(io::stdout(), "\nraw rows: {}", raw.path().display())?;
    let failures = records.iter().filter(|record| record.failure.is_some()).count();
    ensure!(!interrupt::is_interrupted(), "interrupted");
    ensure!(failures == 0, "{failures} measurements failed");
    Ok(())
}

/// How often, how long and where.
struct Plan {
    rounds: u32,
    effort: Effort,
    pins: Vec<Pin>,
}

impl Plan {
    fn new(args: &Args, cpus: &Cpus) -> Self {
        let (rounds, effort, pins) = match (args.quick, args.smoke) {
            (true, _) => (ROUNDS_QUICK, Effort::QUICK, Pins::Pinned),
            (_, true) => (1, Effort::SMOKE, Pins::Unpinned),
            _ => (ROUNDS, Effort::FULL, Pins::Both),
        };
        let mut pins = args.pin.unwrap_or(pins).list();
        pins.retain(|pin| Layout::new(*pin, cpus).is_some());
        Self { rounds: args.rounds.unwrap_or(rounds), effort, pins }
    }
}

fn measure(step: Step<'_>, effort: Effort, cpus: &Cpus) -> Record {
    let Step { round, row, pin, contestant } = step;
    let measured = || {
        let layout = Layout::new(pin, cpus).context("too few CPUs")?;
        // What we do ourselves is load, too.
        layout.generator.enter()?;
        row.measure(&Scene::new(contestant, effort, row.tls, pin, &layout)?)
    };
    let (figures, failure) = match measured() {
        Ok(figures) => (figures, None),
        Err(error) => (Default::default(), Some(format!("{error:#}"))),
    };
    Record { round, row: row.name.clone(), pin, proxy: contestant.label.clone(), figures, failure }
}

/// The rows that are called so, or else those with one of these words in their names; without
/// words, the usual ones.
fn chosen(words: &[String]) -> anyhow::Result<Vec<Row>> {
    let mut rows = row::all();
    if let Some(word) =
        words.iter().find(|word| !rows.iter().any(|row| row.name.contains(word.as_str())))
    {
        bail!("no row has `{word}` in its name; --list shows them");
    }
    let names: Vec<_> = rows.iter().map(|row| row.name.clone()).collect();
    rows.retain(|row| match words {
        [] => row.is_usual,
        words => words.iter().any(|word| {
            if names.contains(word) { row.name == *word } else { row.name.contains(word.as_str()) }
        }),
    });
    Ok(rows)
}

fn list(rows: &[Row]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    for row in rows {
        let when = if row.is_usual { "" } else { " (only where it is named)" };
        writeln!(stdout, "{:16} {}{when}", row.name, row.about)?;
    }
    Ok(())
}

fn contestants(args: &Args) -> anyhow::Result<Vec<Contestant>> {
    let mut contestants = Vec::new();
    for kind in &args.only {
        match kind {
            Kind::Plexyd => contestants.extend(plexyds(&args.plexyd)?),
            Kind::Haproxy | Kind::Nginx => contestants.push(Contestant::installed(*kind)?),
        }
    }
    Ok(contestants)
}

fn plexyds(builds: &[Build]) -> anyhow::Result<Vec<Contestant>> {
    if builds.is_empty() {
        return Ok(vec![Contestant::plexyd("plexyd", &build()?)?]);
    }
    let mut contestants: Vec<Contestant> = Vec::new();
    for (number, Build { label, path }) in (1..).zip(builds) {
        let label = match label {
            Some(label) => label.clone(),
            None if builds.len() == 1 => "plexyd".to_owned(),
            None => format!("plexyd-{number}"),
        };
        ensure!(contestants.iter().all(|it| it.label != label), "two builds are called `{label}`");
        contestants.push(Contestant::plexyd(&label, path)?);
    }
    Ok(contestants)
}

/// A file named after the time, in a folder beside the build.
fn default_out() -> anyhow::Result<PathBuf> {
    let program = env::current_exe()?;
    let folder = program.parent().and_then(Path::parent).context("this program is nowhere")?;
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(folder.join("plexy-bench").join(format!("rows-{seconds}.jsonl")))
}
