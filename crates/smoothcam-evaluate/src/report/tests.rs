use super::contents::{Figure, FigureGroup, Report};
use super::csv::{csv, summary_csv};
use super::curves::CURVES;
use super::html::html;
use super::summary::{ClassSummary, Summary};
use crate::metrics::measurements::Measurements;
use crate::picture::classification::Classification;
use crate::records::record::{Record, RecordKind};

/// Two configurations on two pictures whose names need escaping, and a third picture that was skipped.
fn records() -> Vec<Record> {
    let measured = |insertion: f64| Measurements {
        values: [("insertion".to_owned(), insertion)].into(),
        curves: [("insertion".to_owned(), vec![Some(0.0), Some(2.0 * insertion)])].into(),
    };
    let picture = |name: &str, values: [f64; 2]| Record {
        kind: RecordKind::Picture,
        name: name.into(),
        parts: vec![Classification {
            picture: name.into(),
            class: 7,
            probability: 0.5,
            predicted: 7,
        }],
        results: values.map(measured).into(),
        skipped: None,
    };
    let (parts, results) = (vec![], vec![]);
    let skipped = Some("damaged".to_owned());
    let damaged =
        Record { kind: RecordKind::Picture, name: "c.png".into(), parts, results, skipped };
    vec![picture("a, \"b\".png", [0.25, 0.5]), picture("<b>.png", [0.5, 0.75]), damaged]
}

const TITLES: [&str; 2] = ["Grad-CAM", "<script>"];

#[test]
fn the_table_is_csv() {
    let records = records();
    let text = csv(&Summary::of(&TITLES, &records), &records);
    let expected = [
        "kind,name,class,probability,configuration,insertion",
        "picture,\"a, \"\"b\"\".png\",7,0.5,Grad-CAM,0.25",
        "picture,\"a, \"\"b\"\".png\",7,0.5,<script>,0.5",
        "picture,<b>.png,7,0.5,Grad-CAM,0.5",
        "picture,<b>.png,7,0.5,<script>,0.75",
        "",
    ];
    assert_eq!(text, expected.join("\r\n"));
}

#[test]
fn means_are_csv_for_all_and_by_class() {
    let mut records = records();
    records[1].parts[0].class = 9;
    let label = |class| (class == 9).then(|| "Maine, coon".to_owned());
    let classes = ClassSummary::all(&TITLES, &records, label);
    let text = summary_csv(&Summary::of(&TITLES, &records), &classes);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "class,label,configuration,metric,n,mean,low,high,rank");
    assert!(lines[1].starts_with(",,Grad-CAM,insertion,2,0.375,0.0"), "{}", lines[1]);
    let of_classes = [
        "7,,Grad-CAM,insertion,1,0.25,,,",
        "7,,<script>,insertion,1,0.5,,,",
        "9,\"Maine, coon\",Grad-CAM,insertion,1,0.5,,,",
        "9,\"Maine, coon\",<script>,insertion,1,0.75,,,",
    ];
    assert_eq!(lines[3..], of_classes);
}

#[test]
fn the_page_needs_no_other_files() {
    let records = records();
    let summary = Summary::of(&TITLES, &records);
    let figure = Figure { caption: "<i>".into(), jpeg: vec![1, 2, 3] };
    let page = html(&Report {
        summary: &summary,
        classes: &ClassSummary::all(&TITLES, &records, |_| None),
        records: &records,
        facts: &[("model", "m & m".into())],
        command: "smoothcam evaluate <folder>",
        figures: &[FigureGroup {
            heading: "Best".into(),
            about: "About".into(),
            figures: vec![figure],
        }],
    });
    for part in [
        "m &amp; m",
        "<em>n</em> = 2",
        "0.625",
        "0.375",
        "at least 6 are needed.",
        "&lt;script&gt;",
        "data:image/jpeg;base64,AQID",
        "alt=\"&lt;i&gt;\"",
        "damaged",
        "evaluate &lt;folder&gt;",
        "<polyline",
        "1806.07421",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    for foreign in ["<script", "http", "url(", "<i>", "NaN"] {
        assert!(!page.contains(foreign), "{foreign} is in the page");
    }
}

#[test]
fn curves_are_averaged() {
    let [insertion, deletion, _] = CURVES;
    assert_eq!(insertion.mean(&records(), 1), [Some(0.0), Some(1.25)]);
    let mut unknown = records();
    unknown[0].results[1].curves.insert("insertion".into(), vec![None, Some(0.5)]);
    assert_eq!(insertion.mean(&unknown, 1), [Some(0.0), Some(1.0)]);
    assert!(deletion.mean(&records(), 1).is_empty());
}
