//! Reads README.md and the pages of the book, and finds their code blocks.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of documentation.
pub(crate) struct Page {
    /// Its path within the repository, with `/` between folders.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A fenced block of code.
pub(crate) struct Block {
    /// Its first line within the page, counted from 1.
    pub(crate) line: usize,
    /// The word after the fence.
    pub(crate) language: String,
    pub(crate) text: String,
    /// Why it is not run, where a comment before it says so.
    pub(crate) not_run: Option<String>,
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The file of this name in the repository.
pub(crate) fn page(name: &str) -> Page {
    let text = fs::read_to_string(root().join(name)).unwrap();
    Page { name: name.to_owned(), text }
}

/// The pages of the book, in the order of their names, without its table of contents.
pub(crate) fn book() -> Vec<Page> {
    let entries = fs::read_dir(root().join("docs/src")).unwrap();
    let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|n| n.ends_with(".md") && n != "SUMMARY.md").collect();
    names.sort();
    names.iter().map(|name| page(&format!("docs/src/{name}"))).collect()
}

impl Page {
    /// The code blocks, in their order.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut not_run = None;
        let mut lines = self.text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let indent = line.len() - line.trim_start().len();
            if let Some(language) = line.trim().strip_prefix("```") {
                let code = lines.by_ref().map(|(_, line)| line);
                let code = code.take_while(|line| line.trim() != "```");
                let code: Vec<_> = code.map(|line| line.get(indent..).unwrap_or("")).collect();
                blocks.push(Block {
                    line: number + 2,
                    language: language.to_owned(),
                    text: code.join("\n"),
                    not_run: not_run.take(),
                });
            } else if let Some(comment) = line.trim().strip_prefix("<!-- not run: ") {
                not_run = Some(comment.trim_end_matches("-->").trim().to_owned());
            } else if !line.trim().is_empty() {
                assert!(not_run.is_none(), "{}:{number}: no block follows 'not run'", self.name);
            }
        }
        blocks
    }

    /// The text without code: neither blocks nor words in backquotes.
    pub(crate) fn prose(&self) -> String {
        let mut prose = String::new();
        let mut in_block = false;
        for line in self.text.lines() {
            if line.trim().starts_with("```") {
                in_block = !in_block;
            } else if !in_block {
                let outside = line.split('`').step_by(2);
                prose.extend(outside.chain(["\n"]));
            }
        }
        prose
    }
}

#[test]
fn blocks_are_found_with_their_languages() {
    let text = "a\n\n```sh\none\n\n  two\n```\n\n<!-- not run: it is slow -->\n\n- b\n";
    let page = |text: &str| Page { name: "p".into(), text: text.into() };
    let listed = "- a\n\n  <!-- not run: it is slow -->\n\n  ```sh\n  one\n    two\n  ```\n";
    let blocks = page(&text.replace("<!-- not run: it is slow -->", "`x` [y](z)")).blocks();
    assert_eq!((blocks[0].line, blocks[0].text.as_str()), (4, "one\n\n  two"));
    let blocks = page(listed).blocks();
    assert_eq!((blocks[0].language.as_str(), blocks[0].text.as_str()), ("sh", "one\n  two"));
    assert_eq!(blocks[0].not_run.as_deref(), Some("it is slow"));
    assert_eq!(page("a `b` c\n```sh\nd\n```\ne\n").prose(), "a  c\ne\n");
}
