//! Checks that links and pictures lead somewhere, and that the first pages stay short.

use std::path::Path;

use crate::pages::{Page, book, page, root};

/// The files outside of the book whose links are checked.
const OTHERS: [&str; 4] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/src/SUMMARY.md"];

#[test]
fn links_and_pictures_lead_somewhere() {
    let mut wrong = Vec::new();
    for page in book().into_iter().chain(OTHERS.map(page)) {
        for link in links(&page) {
            if let Err(why) = check(&page, &link) {
                wrong.push(format!("{}: ({link}) {why}", page.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_pages_stand_in_the_table_of_contents() {
    let contents = links(&page("docs/src/SUMMARY.md"));
    let pages: Vec<_> = book().iter().map(|p| p.name.replace("docs/src/", "")).collect();
    let missing: Vec<_> = pages.iter().filter(|page| !contents.contains(page)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn first_pages_are_short() {
    let words = page("README.md").text.split_whitespace().count();
    assert!(words <= 1200, "README.md has {words} words");
    let lines = page("ARCHITECTURE.md").text.lines().count();
    assert!(lines <= 120, "ARCHITECTURE.md has {lines} lines");
}

/// What a page links to, but for other sites.
fn links(page: &Page) -> Vec<String> {
    let prose = page.prose();
    let ends = prose.split("](").skip(1);
    let targets = ends.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets.filter(|t| !t.contains("://")).map(str::to_owned).collect()
}

fn check(page: &Page, link: &str) -> Result<(), String> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = Path::new(&page.name).parent().unwrap_or(Path::new(""));
    let name = if path.is_empty() {
        page.name.clone()
    } else {
        folder.join(path).to_string_lossy().into()
    };
    let target = root().join(&name);
    if !target.exists() {
        return Err("does not exist".to_owned());
    }
    let book = root().join("docs/src");
    if page.name.starts_with("docs/src/")
        && !target.canonicalize().is_ok_and(|t| t.starts_with(&book))
    {
        return Err(
            "is outside of the book, whose pages are read without the repository".to_owned()
        );
    }
    let headings = || {
        let text = self::page(&name).prose_with_code();
        text.lines().filter(|l| l.starts_with('#')).map(slug).collect::<Vec<_>>()
    };
    if anchor.is_empty() || headings().iter().any(|heading| heading == anchor) {
        return Ok(());
    }
    Err("there is no such heading".to_owned())
}

/// A heading's name in addresses, as GitHub and mdBook make it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

impl Page {
    /// The text without blocks of code.
    fn prose_with_code(&self) -> String {
        let blocks = self.text.split("\n```").step_by(2);
        blocks.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn headings_are_named_as_in_addresses() {
    assert_eq!(slug("## A pass, in `bare` forward passes"), "a-pass-in-bare-forward-passes");
}
