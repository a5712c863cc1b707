"""The looks of an exported page: light and dark, wide and narrow. Nothing in it is fetched."""

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --raised: #f4f5f7; --text: #1c2024; --dim: #5c6670; --edge: #d6dae0;
  --good: #17703b; --bad: #b3261e; --warn: #8a5a00; --open: #0b5cad; --own: #7a3ea8; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --raised: #1e2327; --text: #e4e7ea; --dim: #9aa5b1;
  --edge: #353c44; --good: #63c98a; --bad: #ff8a80; --warn: #e5b567; --open: #7ab8ff; --own: #cf9cf5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
header, main, footer { max-width: 90rem; margin: 0 auto; padding: 0 1rem; }
h1 { font-size: 1.25rem; margin: 1rem 0 .25rem; overflow-wrap: anywhere; }
header p, footer { color: var(--dim); margin: .25rem 0; overflow-wrap: anywhere; }
.tools { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .5rem; align-items: center;
  background: var(--ground); border-bottom: 1px solid var(--edge); padding: .5rem 0; margin-top: .5rem; }
.tools input[type=search] { flex: 1 1 12rem; min-width: 0; }
.tools input, .tools button { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--edge);
  border-radius: .4rem; padding: .35rem .6rem; }
.tools button { cursor: pointer; }
.tools button[aria-pressed=true] { border-color: var(--open); color: var(--open); }
:focus-visible { outline: 2px solid var(--open); outline-offset: 1px; }
ol { list-style: none; margin: 0; padding: 0; }
li { border-bottom: 1px solid var(--edge); content-visibility: auto; contain-intrinsic-size: auto 2.2rem; }
li:target { background: var(--raised); }
summary, .line { display: flex; flex-wrap: wrap; gap: .1rem .6rem; align-items: baseline; padding: .3rem 0; }
summary { cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary:hover { background: var(--raised); }
time { color: var(--dim); font-variant-numeric: tabular-nums; white-space: nowrap; }
.number { min-width: 2.6rem; text-align: right; font-weight: 600; }
.name { font-weight: 600; overflow-wrap: anywhere; }
.name::before { content: "\\2192  "; color: var(--dim); font-weight: 400; }
.server .name::before { content: "\\2190  "; }
.fact .name::before { content: ""; }
.inside .name { margin-left: 1.6rem; }
.notification .name, .fact .name, .fact .text, .answer .name { font-weight: 400; color: var(--dim); }
.text { flex: 1 1 18rem; min-width: 0; overflow-wrap: anywhere; }
.took, .where, .odd { color: var(--dim); white-space: nowrap; }
.odd, .warn { color: var(--warn); } .good { color: var(--good); }
.bad { color: var(--bad); } .open { color: var(--open); }
.ruled { color: var(--own); overflow-wrap: anywhere; }
.failed > .line .text { color: var(--bad); }
a { color: inherit; }
pre { margin: 0 0 .6rem; padding: .6rem; background: var(--raised); border-radius: .4rem; overflow-x: auto;
  font: 12px/1.4 ui-monospace, monospace; max-height: 32rem; }
.caption { margin: .3rem 0 .2rem; color: var(--dim); }
[hidden] { display: none !important; }
.wire { display: none; }
.sequence li { border: 0; }
.sequence :is(summary, .line) { position: relative; justify-content: center; margin-left: 8rem; padding: .3rem .8rem 0;
  border: solid var(--edge); border-width: 0 2px; }
.sequence time { position: absolute; left: -8rem; }
.sequence .number { min-width: 0; }
.sequence .name { min-width: 0; margin-left: 0 !important; }
.sequence .name::before { content: "" !important; }
.sequence .text { flex: 0 1 auto; }
.sequence .wire { display: block; flex: 0 0 100%; height: .9rem; }
.sequence .wire i { position: absolute; bottom: .4rem; left: 0; right: 0; border-top: 2px solid var(--dim); }
.sequence .answer .wire i, .sequence .ask .wire i { border-top-style: dashed; }
.sequence .fact .wire i { display: none; }
.sequence .wire i::after { content: ""; position: absolute; top: -.36rem; right: 0; border: .3rem solid transparent;
  border-left: .5rem solid var(--dim); border-right: 0; }
.sequence .server .wire i::after { right: auto; left: 0; border-left: 0; border-right: .5rem solid var(--dim); }
.sequence .stopped.client .wire i, .sequence .own.server .wire i { right: 50%; }
.sequence .stopped.server .wire i, .sequence .own.client .wire i { left: 50%; }
.sequence .stopped .wire i { border-color: var(--bad); } .sequence .own .wire i { border-color: var(--own); }
.lanes { display: none; color: var(--dim); margin-left: 8rem; justify-content: space-between; }
.sequence .lanes { display: flex; }
@media (max-width: 40rem) {
  .number { min-width: 0; } .inside .name { margin-left: .8rem; }
  .text { flex-basis: 100%; } summary, .line { padding: .45rem 0; }
  .sequence summary, .sequence .line { grid-template-columns: 1fr; }
  .sequence :is(summary, .line), .lanes { margin-left: 0; }
  .sequence time { position: static; }
}
@media (min-width: 60rem) {
  main:not(.sequence) .name { min-width: 17rem; }
  main:not(.sequence) .inside .name { min-width: 15.4rem; }
}
@media print { .tools { display: none; } }
"""
