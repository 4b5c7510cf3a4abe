/** The style sheet of the page that `builder history --html` writes; light and dark as the reader's system is. */
export const historyPageStyle = `
:root { color-scheme: light dark; --back: #f6f7f9; --card: #fff; --text: #1c2430; --dim: #647084; --line: #dfe3ea; --accent: #2f6fde; --done: #3f86e0; --cached: #9fb0c6; --failed: #c8402c; --running: #d99a1c; --names: 380px; }
@media (prefers-color-scheme: dark) { :root { --back: #12161d; --card: #1b212b; --text: #e6eaf0; --dim: #93a0b4; --line: #2c3542; --accent: #7aa7ff; --done: #5b9bf0; --cached: #5d6c82; --failed: #ff8069; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 20px 24px 40px; background: var(--back); color: var(--text); font: 14px/1.45 system-ui, "Segoe UI", "Liberation Sans", sans-serif; }
h1 { margin: 0; font-size: 22px; overflow-wrap: anywhere; }
h2 { margin: 0 0 4px; font: 600 13px/1.4 ui-monospace, "Liberation Mono", monospace; overflow-wrap: anywhere; }
header { display: flex; flex-wrap: wrap; gap: 12px 28px; align-items: center; justify-content: space-between; margin-bottom: 18px; }
#about, #log p { margin: 2px 0 0; color: var(--dim); font-size: 12px; overflow-wrap: anywhere; }
#facts { display: flex; flex-wrap: wrap; gap: 10px; }
.fact { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 6px 14px; }
.fact b { display: block; font-size: 17px; font-variant-numeric: tabular-nums; }
.fact span { color: var(--dim); font-size: 12px; }
.bad { color: var(--failed); }
#error { background: var(--card); border: 1px solid var(--failed); border-left-width: 5px; border-radius: 8px; padding: 10px 14px; white-space: pre-wrap; font: 12px/1.5 ui-monospace, "Liberation Mono", monospace; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; min-width: 0; }
#legend { display: flex; flex-wrap: wrap; gap: 6px 18px; color: var(--dim); font-size: 12px; margin-bottom: 8px; }
#legend i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
#axis { position: relative; height: 22px; margin-left: var(--names); color: var(--dim); font-size: 11px; font-variant-numeric: tabular-nums; }
#axis span { position: absolute; transform: translateX(-50%); white-space: nowrap; }
#axis span:first-child { transform: none; }
ol { list-style: none; margin: 0; padding: 0; }
li button { all: unset; box-sizing: border-box; display: grid; grid-template-columns: var(--names) 1fr; align-items: center; width: 100%; height: 28px; cursor: pointer; border-radius: 4px; border-top: 1px solid var(--line); }
li button:hover, li button[aria-pressed=true] { background: color-mix(in srgb, var(--accent) 10%, transparent); }
li button:focus-visible, pre:focus-visible { outline: 2px solid var(--accent); outline-offset: -1px; }
.name { font: 12px ui-monospace, "Liberation Mono", monospace; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding: 0 12px 0 6px; }
.waiting .name, .cached .name { color: var(--dim); }
.failed .name { color: var(--failed); }
.track { position: relative; height: 100%; background-image: linear-gradient(to right, var(--line) 1px, transparent 1px); background-size: var(--tick) 100%; }
.bar { position: absolute; top: 6px; height: 15px; min-width: 3px; border-radius: 3px; background: var(--done); }
.cached .bar { background: var(--cached); }
.failed .bar { background: var(--failed); }
.running .bar { background: repeating-linear-gradient(45deg, var(--running) 0 6px, color-mix(in srgb, var(--running) 60%, var(--card)) 6px 12px); }
.critical .bar { box-shadow: 0 0 0 2px var(--card), 0 0 0 3.5px var(--text); }
.took { position: absolute; top: 5px; font-size: 11px; line-height: 17px; white-space: nowrap; color: var(--dim); font-variant-numeric: tabular-nums; padding: 0 7px; }
.took.left { transform: translateX(-100%); }
#log { margin-top: 18px; }
pre { margin: 10px 0 0; max-height: 420px; overflow: auto; padding: 10px 12px; border-radius: 6px; background: var(--back); font: 12px/1.45 ui-monospace, "Liberation Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
#tip { position: fixed; z-index: 9; max-width: 460px; padding: 7px 11px; border-radius: 6px; background: #10151c; color: #f2f5f9; font-size: 12px; pointer-events: none; white-space: pre-line; overflow-wrap: anywhere; box-shadow: 0 4px 18px rgb(0 0 0 / .3); }
@media (max-width: 900px) { :root { --names: 150px; } }
`;
