/** The style sheet of the page that `image explore --html` writes; light and dark as the reader's system is. */
export const explorePageStyle = `
:root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --text: #1c2430; --dim: #647084; --line: #dfe3ea; --accent: #2f6fde; --bad: #c8402c; }
@media (prefers-color-scheme: dark) { :root { --back: #12161d; --card: #1b212b; --text: #e6eaf0; --dim: #93a0b4; --line: #2c3542; --accent: #7aa7ff; --bad: #ff8069; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 20px 24px 40px; background: var(--back); color: var(--text); font: 14px/1.45 system-ui, "Segoe UI", "Liberation Sans", sans-serif; }
h1 { margin: 0; font-size: 22px; overflow-wrap: anywhere; }
h2 { margin: 0 0 10px; font-size: 15px; }
small { color: var(--dim); font-weight: 400; font-size: 12px; margin-left: 6px; }
header { display: flex; flex-wrap: wrap; gap: 12px 28px; align-items: center; justify-content: space-between; margin-bottom: 18px; }
#facts { display: flex; flex-wrap: wrap; gap: 10px; }
.fact { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 6px 14px; }
.fact b { display: block; font-size: 17px; font-variant-numeric: tabular-nums; }
.fact span { color: var(--dim); font-size: 12px; }
.bad { color: var(--bad); }
main { display: grid; grid-template-columns: minmax(300px, 380px) 1fr; gap: 18px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; min-width: 0; }
#side { height: 660px; display: flex; flex-direction: column; }
ol { list-style: none; margin: 0; padding: 0; overflow-y: auto; }
li { border-left: 5px solid; border-radius: 4px; margin-bottom: 6px; }
li button { all: unset; box-sizing: border-box; display: block; width: 100%; padding: 6px 10px; cursor: pointer; border-radius: 0 4px 4px 0; }
li button:hover, li button[aria-pressed=true] { background: color-mix(in srgb, var(--accent) 14%, transparent); }
button:focus-visible, input:focus-visible, .tile:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
li .step { display: block; font: 12px/1.4 ui-monospace, "Liberation Mono", monospace; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
li .more { display: flex; justify-content: space-between; gap: 8px; color: var(--dim); font-size: 12px; font-variant-numeric: tabular-nums; }
li .bar { display: flex; height: 4px; margin-top: 4px; border-radius: 2px; background: var(--line); overflow: hidden; }
li .bar i:last-child { background: var(--bad); }
nav { display: flex; gap: 12px; align-items: center; margin-bottom: 10px; }
#path { flex: 1; overflow-wrap: anywhere; }
#path button { all: unset; cursor: pointer; color: var(--accent); }
#path button:hover { text-decoration: underline; }
#find { width: 200px; padding: 5px 9px; border: 1px solid var(--line); border-radius: 6px; background: var(--back); color: inherit; font: inherit; }
#map { position: relative; height: 560px; overflow: hidden; border-radius: 6px; background: var(--back); }
#hint { margin: 8px 0 0; color: var(--dim); font-size: 12px; min-height: 18px; overflow-wrap: anywhere; }
.tile { position: absolute; overflow: hidden; border: 1px solid color-mix(in srgb, var(--card) 75%, transparent); border-radius: 2px; font-size: 11px; line-height: 16px; padding: 0 4px; white-space: nowrap; text-overflow: ellipsis; color: #10151c; cursor: default; }
.folder { background: color-mix(in srgb, var(--text) 9%, var(--card)); color: var(--text); cursor: zoom-in; font-weight: 600; }
.faint { opacity: .14; }
.folder.faint { opacity: .5; }
#waste { margin-top: 18px; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--dim); font-weight: 500; font-size: 12px; }
td, th { padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); }
td:nth-child(2) { font: 12px ui-monospace, "Liberation Mono", monospace; overflow-wrap: anywhere; width: 70%; }
td:first-child, td:nth-child(n+3), th { white-space: nowrap; }
#tip { position: fixed; z-index: 9; max-width: 460px; padding: 7px 11px; border-radius: 6px; background: #10151c; color: #f2f5f9; font-size: 12px; pointer-events: none; overflow-wrap: anywhere; box-shadow: 0 4px 18px rgb(0 0 0 / .3); }
@media (max-width: 900px) { main { grid-template-columns: 1fr; } #side { height: auto; max-height: 360px; } }
`;
