//! Takes the text of a shell block apart: its commands, and their words.

/// The commands of a block, each with the number of its first line, counted from 0. A command goes on where its line
/// ends in `\` or `|`, or within quotes.
pub(crate) fn commands(text: &str) -> Vec<(usize, String)> {
    let mut commands: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        match commands.last_mut().filter(|_| open) {
            Some((_, command)) => {
                command.push('\n');
                command.push_str(line);
            }
            None if line.trim().is_empty() || line.starts_with('#') => continue,
            None => commands.push((number, line.to_owned())),
        }
        let command = commands.last().map_or("", |(_, command)| command);
        open = command.ends_with(['\\', '|']) || split(command).is_none();
    }
    commands
}

/// The words of a command, without quotes and without a comment at its end.
pub(crate) fn words(command: &str) -> Vec<String> {
    split(command).unwrap_or_default()
}

/// The program that a command begins with, after the variables that it sets.
pub(crate) fn program(command: &str) -> String {
    words(command).into_iter().find(|word| !word.contains('=')).unwrap_or_default()
}

/// The files that a command says it writes.
pub(crate) fn outputs(command: &str) -> Vec<String> {
    const OPTIONS: [&str; 7] =
        ["-o", "--out", "--heatmap", "--uncertainty", "--arrays", "--coco", ">"];
    let words = words(command);
    let named = words.windows(2).filter(|pair| OPTIONS.contains(&pair[0].as_str()));
    named.map(|pair| pair[1].clone()).collect()
}

/// The words; `None` if a quote is not closed.
fn split(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in command.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, c) if c.is_whitespace() || c == '\\' => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[test]
fn commands_and_words() {
    let text = "# first\na b  # c\n\nd \\\n  e\nf 'g\nh' |\n  i \"j k\"\n";
    let expected = [(1, "a b  # c"), (3, "d \\\n  e"), (5, "f 'g\nh' |\n  i \"j k\"")];
    assert_eq!(commands(text), expected.map(|(n, c)| (n, c.to_owned())));
    assert_eq!(words("a b  # c"), ["a", "b"]);
    assert_eq!(words("d \\\n  e"), ["d", "e"]);
    assert_eq!(words("f 'g\nh' | i \"j k\" ''"), ["f", "g\nh", "|", "i", "j k", ""]);
    assert_eq!(program("A=b C=d program e=f"), "program");
    let command = "smoothcam explain a -o b.png --json > c.json # -o d";
    assert_eq!(outputs(command), ["b.png", "c.json"]);
}
