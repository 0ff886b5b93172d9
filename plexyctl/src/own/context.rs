//! `context`: the ways to daemons that have names, in the configuration file of the user.

use std::path::{Path, PathBuf};

use plexy_shared::error::quoted;

use crate::answer::{Answer, ContextChange, ContextInfo};
use crate::args::{ContextCommand, Options};
use crate::client::Credentials;
use crate::config::{Config, Context, Edit, Way};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{CONTEXTS, Output};

pub(super) fn run(
    command: &ContextCommand,
    options: &Options,
    output: &Output,
) -> Result<Exit, Failure> {
    let is_list = matches!(command, ContextCommand::List | ContextCommand::Show { .. });
    output.check_keys(is_list.then_some(&CONTEXTS[..]))?;
    let answer = match command {
        ContextCommand::Add { name, protected, read_only } => {
            let (is_protected, is_read_only) = (*protected, *read_only);
            add(name, &Context { way: way(options), is_protected, is_read_only })?
        }
        ContextCommand::Use { name, .. } => select(name.as_deref())?,
        ContextCommand::Remove { name } => remove(name)?,
        ContextCommand::List => Answer::Contexts(list(&Config::of_user()?, options)?),
        ContextCommand::Show { name } => show(name.as_deref(), options)?,
    };
    output.answer(&answer)?;
    Ok(Exit::Done)
}

fn add(name: &str, context: &Context) -> Result<Answer, Failure> {
    let mut edit = Edit::begin()?;
    let is_new = edit.add(name, context)?;
    change(edit, if is_new { "added" } else { "unchanged" }, name)
}

/// What the command line says; a variable is meant for other commands.
fn way(options: &Options) -> Way {
    let is_said = |id: &str| options.said.contains(&id);
    let path = |path: &Option<PathBuf>, id| path.as_deref().filter(|_| is_said(id)).map(absolute);
    Way {
        endpoint: options.endpoint.clone().filter(|_| is_said("endpoint")),
        credentials: Credentials {
            ca: path(&options.ca, "ca"),
            cert: path(&options.cert, "cert"),
            key: path(&options.key, "key"),
            server_name: options.server_name.clone().filter(|_| is_said("server_name")),
        },
        token_file: options.token_file.as_deref().map(absolute),
        file: PathBuf::new(),
    }
}

/// Where a file is that was named here: the configuration is in another folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn select(name: Option<&str>) -> Result<Answer, Failure> {
    // Where it is wrong, no folder is made for the file.
    name.map(file_of).transpose()?;
    let mut edit = Edit::begin()?;
    // Somebody may have taken it away before the file was ours.
    name.map(file_of).transpose()?;
    let result = if edit.select(name) { "selected" } else { "unchanged" };
    let answer = change(edit, result, name.unwrap_or_default())?;
    match Config::of_user()?.current_of() {
        Some((current, file)) if name.is_none() => {
            let (current, file) = (quoted(current), file.display());
            let failure = Failure::usage(format!("{file} still says that {current} holds"));
            Err(failure
                .with_hint("that file is not changed by plexyctl; `context use` counts more"))
        }
        _ => Ok(answer),
    }
}

fn remove(name: &str) -> Result<Answer, Failure> {
    file_of(name)?;
    let mut edit = Edit::begin()?;
    let file = file_of(name)?;
    if !edit.remove(name) {
        let message = format!("the context {} is one of {}", quoted(name), file.display());
        return Err(Failure::usage(message).with_hint("that file is not changed by plexyctl"));
    }
    change(edit, "removed", name)
}

/// The file that has the context of that name.
fn file_of(name: &str) -> Result<PathBuf, Failure> {
    Ok(Config::of_user()?.context(name)?.way.file.clone())
}

fn change(edit: Edit, result: &'static str, name: &str) -> Result<Answer, Failure> {
    let file = edit.file().display().to_string();
    if result != "unchanged" {
        edit.save()?;
    }
    Ok(Answer::Context(ContextChange { result, name: name.to_owned(), file }))
}

fn list(config: &Config, options: &Options) -> Result<Vec<ContextInfo>, Failure> {
    // One that names no context that there is must not keep anybody from seeing those there are.
    let held = config.target(options).ok().and_then(|target| target.context);
    let info = |(name, context): (&str, &Context)| {
        ContextInfo::new(name, context, held.as_deref() == Some(name))
    };
    Ok(config.contexts().map(info).collect())
}

fn show(name: Option<&str>, options: &Options) -> Result<Answer, Failure> {
    let config = Config::of_user()?;
    let held = config.target(options).ok().and_then(|target| target.context);
    let Some(name) = name.or(held.as_deref()) else {
        let hint =
            "`plexyctl context use NAME` chooses one, `plexyctl config show` tells what holds";
        return Err(Failure::usage("no context holds").with_hint(hint));
    };
    let is_current = held.as_deref() == Some(name);
    Ok(Answer::Contexts(vec![ContextInfo::new(name, config.context(name)?, is_current)]))
}
