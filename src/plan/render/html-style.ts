/** The look of the page: one column of text, figures in a row, colour only where it means something. */
import { html } from './html-escape.ts';

export const styleSheet = html`
:root {
  --paper: #fbfaf7; --ink: #1c1b19; --soft: #5f5b54; --line: #dcd8cf; --raised: #fff;
  --open: #14683a; --close: #a8261b; --retain: #7d5300; --info: #24598f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #161513; --ink: #ebe7df; --soft: #a7a197; --line: #383530; --raised: #1e1c1a;
    --open: #79cf9c; --close: #ff9a8d; --retain: #e6bb62; --info: #8fbff0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 3rem 1.5rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  overflow-wrap: anywhere; text-wrap: pretty;
}
p, dl, ul { margin: 0; padding: 0; }
code, .cidrs, .sign { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .9em; }
header { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 0 1.5rem; }
h1 { margin: 0; font-size: 1rem; font-weight: 600; }
header p, .kind, dt, th, small { color: var(--soft); font-size: .875rem; }
.gate { margin-top: 2rem; padding-top: 1.75rem; border-top: 2px solid var(--ink); }
h2 { margin: 0; font-size: 1.75rem; line-height: 1.2; font-weight: 650; letter-spacing: -.015em; }
.verdict { margin-top: .75rem; font-size: 1.2rem; line-height: 1.4; max-width: 40em; }
.verdict::first-letter { text-transform: uppercase; }
.alarm { margin-top: 1rem; padding: .7rem 1rem; border: 1px solid var(--close); border-radius: 4px; color: var(--close); font-weight: 600; }
.figures { display: grid; grid-template-columns: repeat(6, 1fr); gap: 1px; margin: 1.5rem 0; background: var(--line); border: 1px solid var(--line); border-radius: 4px; overflow: hidden; }
.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; padding: .7rem .9rem; background: var(--raised); }
.figures dt { line-height: 1.3; }
.figures dd { margin: 0; font-size: 1.6rem; line-height: 1.25; font-weight: 600; font-variant-numeric: tabular-nums; }
.figures .zero dd { color: var(--soft); font-weight: 400; }
.missing dd, .close dd, .close .sign { color: var(--close); }
.open dd, .open .sign { color: var(--open); }
.retain dd, .retain .sign { color: var(--retain); }
.notices { list-style: none; }
.notices > li { margin: 1rem 0; padding-left: 1rem; border-left: 3px solid var(--info); max-width: 46rem; }
.notices .tag { color: var(--info); font-weight: 600; }
.notices > .error { border-color: var(--close); } .notices > .error .tag { color: var(--close); }
.notices > .warning { border-color: var(--retain); } .notices > .warning .tag { color: var(--retain); }
.remedy::before { content: "Do: "; font-weight: 600; }
.entries { margin-top: 1.5rem; }
summary { cursor: pointer; font-weight: 600; padding: .25rem 0; }
summary:focus-visible { outline: 2px solid var(--info); outline-offset: 2px; }
.sign { font-weight: 700; }
table { width: 100%; border-collapse: collapse; margin-top: .25rem; }
th { text-align: left; font-weight: 400; }
th, td { padding: .5rem 1rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th:first-child, td:first-child { width: 40%; }
th:last-child, td:last-child { padding-right: 0; }
.cidrs { list-style: none; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 10rem), 1fr)); gap: 0 1rem; }
.facts { margin-top: 2rem; font-size: .9rem; }
.facts div { display: grid; grid-template-columns: 8rem 1fr; gap: 0 1rem; padding: .3rem 0; }
.facts dd { margin: 0; }
.incomplete { color: var(--retain); }
footer { margin-top: 2.5rem; padding-top: 1rem; border-top: 2px solid var(--ink); }
@media (max-width: 40rem) {
  body { padding: 1.5rem 1rem; }
  h2 { font-size: 1.45rem; }
  .figures { grid-template-columns: repeat(3, 1fr); }
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  tr, td, td:first-child { display: block; width: auto; }
  td { padding: 0; border: 0; }
  tr { padding: .6rem 0; border-bottom: 1px solid var(--line); }
  .facts div { grid-template-columns: 1fr; }
}
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --raised: #fff; --open: #0b5229; --close: #8f1a10; --retain: #6b4600; --info: #1b4a7a; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  tr, .notices > li, .figures, .alarm { break-inside: avoid; }
  h2, summary { break-after: avoid; }
}
`;
