import { type BuildRecord, outputOf, readRecord } from '../builder/history/read-record.ts';
import { HawserError } from '../errors/hawser-error.ts';
import { writeFileAtomic } from '../util/atomic-file.ts';
import { plainText } from '../util/terminal-text.ts';
import { buildName } from './build-rows.ts';
import { historyPageScript } from './history-page-script.ts';
import { historyPageStyle } from './history-page-style.ts';
import { escapeHtml, jsonForScript, pagePolicy } from './html.ts';

/** Of each step's output so many bytes at its end go into the page. */
const shownOutput = 128 * 1024;

/**
 * The steps that the build waited for: from the one that ended last, back over the input that ended last each time.
 *
 * @returns their ids
 */
export function criticalPath(record: BuildRecord): ReadonlySet<string> {
  const byID = new Map(record.steps.map(step => [step.id, step]));
  const endOf = (id: string) => byID.get(id)?.end ?? 0;
  const latest = (ids: readonly string[]) => ids.toSorted((left, right) => endOf(right) - endOf(left))[0];
  const path = new Set<string>();
  // An export takes what all others made, and names none of them.
  const [last, before] = record.steps
    .filter(({ end }) => end !== undefined)
    .toSorted((left, right) => (right.end ?? 0) - (left.end ?? 0));
  if (last === undefined) return path;
  const first = last.inputs.length > 0 ? latest(last.inputs) : before?.id;
  path.add(last.id);
  for (let id = first; id !== undefined && !path.has(id); id = latest(byID.get(id)?.inputs ?? []))
    path.add(id);
  return path;
}

async function outputs(file: string): Promise<ReadonlyMap<string, string>> {
  const ends = new Map<string, Buffer>();
  for await (const { step, bytes } of outputOf(file)) {
    const all = Buffer.concat([ends.get(step) ?? Buffer.alloc(0), bytes]);
    ends.set(step, all.length > 2 * shownOutput ? all.subarray(-shownOutput) : all);
  }
  const text = (bytes: Buffer) =>
    bytes.subarray(-shownOutput).toString().split('\n').map(plainText).join('\n');
  return new Map([...ends].map(([step, bytes]) => [step, text(bytes)]));
}

/** A page that needs nothing but itself: no request leaves it, and its policy forbids any. */
export function historyPage(record: BuildRecord, output: ReadonlyMap<string, string>): string {
  const name = buildName(record);
  const critical = criticalPath(record);
  const { id, about, started, duration, status, image, error, warnings } = record;
  const steps = record.steps.map(step => ({
    name: step.name,
    state: step.state,
    start: step.start,
    end: step.start === undefined ? undefined : (step.end ?? duration),
    error: step.error,
    bytes: step.output,
    output: output.get(step.id) ?? '',
    critical: critical.has(step.id),
  }));
  const facts = { id, name, about, started, duration, status, image, error, warnings, steps };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${pagePolicy}">
<title>${escapeHtml(name)} – build ${id}</title>
<style>${historyPageStyle}</style>
</head>
<body>
<header><div><h1>${escapeHtml(name)}</h1><p id="about"></p></div><div id="facts"></div></header>
<p id="error" role="alert" hidden></p>
<section id="timeline" aria-label="Timeline">
<div id="legend"></div>
<div id="axis" aria-hidden="true"></div>
<ol id="steps"></ol>
</section>
<section id="log" aria-label="Output" hidden><h2></h2><p></p><pre tabindex="0"></pre></section>
<div id="tip" hidden></div>
<script type="application/json" id="data">${jsonForScript(facts)}</script>
<script>${historyPageScript}</script>
</body>
</html>
`;
}

/** @throws HawserError NOT_FOUND */
export async function writeHistoryPage(page: string, file: string): Promise<void> {
  const record = await readRecord(file);
  if (record === undefined) throw new HawserError('NOT_FOUND', 'nothing is recorded of the build');
  await writeFileAtomic(page, historyPage(record, await outputs(file)));
}
