//! Runs the commands of README.md and of the book, each page in a folder of its own.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;
use std::{env, fs, thread};

use crate::pages::{Page, book, page};
use crate::server::{DOCUMENTED, Server};
use crate::shell::{commands, outputs, program, words};
use crate::stand_ins::Folder;

/// Languages of blocks whose lines are not commands.
const NO_COMMANDS: [&str; 4] = ["text", "python", "rust,no_run", "toml"];
/// Programs that are run as they stand.
const RUN: [&str; 5] = ["smoothcam", "curl", "printf", "head", "cp"];
/// Programs that are not run, and why.
const NOT_RUN: [(&str, &str); 4] = [
    ("cargo", "it builds what the tests have built"),
    ("pip", "it installs packages"),
    ("bench/run", "it takes half an hour"),
    ("examples/paper/run", "it takes an hour"),
];
/// Blocks that a comment in the page says are not run. A page that has others fails the test.
const MARKED: [(&str, &str); 2] = [
    ("docs/src/engines.md", "needs ONNX Runtime, which the tests do without"),
    ("docs/src/layers.md", "needs a transformer, and no small one is at hand"),
];

#[test]
fn commands_work_as_they_are_shown() {
    let mut pages = book();
    pages.push(page("README.md"));
    let commands = pages.iter().map(|page| page.text.matches("smoothcam ").count());
    assert!(commands.sum::<usize>() > 100, "the pages were not found");
    pages.sort_by_key(|page| page.text.matches("smoothcam ").count());
    let (waiting, failures) = (Mutex::new(pages), Mutex::new(Vec::new()));
    let workers = thread::available_parallelism().map_or(2, |n| n.get());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(page) = { waiting.lock().unwrap().pop() } {
                    let begun = Instant::now();
                    let failed = Run::new(&page).all();
                    println!("{}: {:.1} s", page.name, begun.elapsed().as_secs_f64());
                    failures.lock().unwrap().extend(failed);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} commands failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn nothing_is_left_out_unseen() {
    let (mut marked, mut programs) = (BTreeSet::new(), BTreeSet::new());
    for page in book().into_iter().chain([page("README.md")]) {
        for block in page.blocks() {
            let place = format!("{}:{}", page.name, block.line);
            if let Some(reason) = &block.not_run {
                marked.insert((page.name.clone(), reason.clone()));
            } else if block.language == "sh" {
                programs
                    .extend(commands(&block.text).iter().map(|(_, c)| (program(c), place.clone())));
            }
            if block.language != "sh" {
                assert!(
                    NO_COMMANDS.contains(&block.language.as_str()),
                    "{place}: {}",
                    block.language
                );
                let shown = block
                    .text
                    .lines()
                    .any(|line| line.starts_with("smoothcam ") && !line.contains('='));
                assert!(!shown, "{place}: a command that is not run");
            }
        }
        for (number, pair) in page.text.lines().collect::<Vec<_>>().windows(2).enumerate() {
            let indented =
                pair[0].is_empty() && pair[1].starts_with("    ") && !pair[1].trim().is_empty();
            let in_block = page
                .blocks()
                .iter()
                .any(|b| (b.line..b.line + b.text.lines().count()).contains(&(number + 2)));
            assert!(!indented || in_block, "{}:{}: a block without a fence", page.name, number + 2);
        }
    }
    let expected = MARKED.map(|(page, reason)| (page.to_owned(), reason.to_owned()));
    assert_eq!(marked, BTreeSet::from(expected));
    for (program, place) in &programs {
        let known = RUN.contains(&program.as_str()) || NOT_RUN.iter().any(|(p, _)| p == program);
        assert!(known, "{place}: is '{program}' to be run? Add it to one of the lists");
    }
    for (unused, why) in NOT_RUN {
        assert!(
            programs.iter().any(|(program, _)| program == unused),
            "{unused} ({why}): nothing uses it"
        );
    }
}

/// A page whose commands are run.
struct Run<'a> {
    page: &'a Page,
    folder: Folder,
    /// The last server that was started.
    server: Option<Server>,
    curl: bool,
}

impl Run<'_> {
    fn new(page: &Page) -> Run<'_> {
        let folder = Folder::new();
        // An answer that is no success fails the command.
        folder.write(".curlrc", b"fail\nsilent\nshow-error\n");
        let curl = Command::new("curl").arg("--version").output().is_ok();
        Run { page, folder, server: None, curl }
    }

    /// Runs all commands, and returns what went wrong.
    fn all(&mut self) -> Vec<String> {
        let mut failures = Vec::new();
        for block in self.page.blocks() {
            if block.language != "sh" || block.not_run.is_some() {
                continue;
            }
            for (number, command) in commands(&block.text) {
                if let Err(why) = self.command(&command) {
                    let line = block.line + number;
                    failures.push(format!("{}:{line}: {command}\n{why}", self.page.name));
                }
            }
        }
        failures
    }

    fn command(&mut self, command: &str) -> Result<(), String> {
        if NOT_RUN.iter().any(|(program, _)| *program == self::program(command)) {
            return Ok(());
        }
        let words = words(command);
        if words.starts_with(&["smoothcam".into(), "serve".into()])
            && words.last().is_none_or(|w| w != "--help")
        {
            let smoothcam = self.prepared(env!("CARGO_BIN_EXE_smoothcam"));
            self.server = Some(Server::start(smoothcam, &words[1..])?);
            return Ok(());
        }
        let mut line = command.to_owned();
        if words.iter().any(|word| word == "curl") {
            if !self.curl {
                return Ok(());
            }
            let server = self.server.as_ref().ok_or("no server was started on this page")?;
            line = line.replace(DOCUMENTED, &server.address);
        }
        let outputs = outputs(command);
        for output in &outputs {
            // What an earlier command left is no proof.
            let _ = fs::remove_file(self.folder.path(output));
        }
        let mut shell = self.prepared("sh");
        let done = shell.args(["-c", &line]).output().map_err(|e| e.to_string())?;
        if !done.status.success() {
            return Err(format!("{}\n{}", done.status, String::from_utf8_lossy(&done.stderr)));
        }
        match outputs.iter().find(|output| !self.folder.path(output).exists()) {
            Some(missing) => Err(format!("'{missing}' was not written")),
            None => Ok(()),
        }
    }

    /// A program to be run in the page's folder, with `smoothcam` on its path and the built-in engine.
    fn prepared(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let smoothcam =
            Path::new(env!("CARGO_BIN_EXE_smoothcam")).parent().unwrap_or(Path::new("/"));
        let path = env::var_os("PATH").unwrap_or_default();
        let path: OsString =
            env::join_paths([smoothcam.to_owned()].into_iter().chain(env::split_paths(&path)))
                .unwrap();
        command.current_dir(self.folder.path("")).env("PATH", path).env("SMOOTHCAM_ENGINE", "rten");
        command.env("CURL_HOME", self.folder.path(""));
        command.env_remove("COLUMNS").env_remove("SMOOTHCAM_TOKEN").env_remove("ORT_DYLIB_PATH");
        command
    }
}
