//! Styles the report: in light and dark, on paper and on a phone.

pub(super) const STYLE: &str = "
:root { color-scheme: light dark; --line: #d0d4da; --soft: #5c6670; --ground: #ffffff; --ink: #1b1f24; --card: #f5f6f8 }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a4048; --soft: #9aa4af; --ground: #15181c; --ink: #e6e9ec; --card: #1d2126 }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1rem 4rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.7rem; margin: 0 0 .5rem } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0 }
dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere; white-space: pre-line }
.note { color: var(--soft); font-size: .9rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap;
  vertical-align: bottom }
th:first-child, td:first-child { text-align: left }
thead th { font-weight: 600; white-space: normal; min-width: 5.5rem }
td .interval, th .interval { font-weight: 400; display: block; color: var(--soft); font-size: .78rem }
.best { font-weight: 700 }
.key { display: inline-block; width: 1.1rem; margin-right: .5rem; vertical-align: middle }
details { margin: .4rem 0 } details > summary { cursor: pointer }
.plots { display: flex; flex-wrap: wrap; gap: 1.25rem; margin-top: 1.25rem }
figure { margin: 0; padding: .8rem; background: var(--card); border-radius: .5rem; max-width: 100% }
figure svg, figure img { display: block; max-width: 100%; height: auto; margin-top: .4rem }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft) }
.grid { stroke: var(--line); stroke-width: 1 }
.pictures { display: grid; gap: 1rem }
code { font: .9rem ui-monospace, monospace; background: var(--card); padding: .1rem .35rem; border-radius: .25rem;
  overflow-wrap: anywhere }
";
