/** Lines of context around a change. */
const around = 3;

/** Above this many comparisons the differing middle is one change. */
const maximumWork = 4_000_000;

interface Step {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

/** The lines of a unified diff, as `diff -u` prints it; none where both texts are equal. */
export function unifiedDiff(
  before: string,
  after: string,
  names: { readonly before: string; readonly after: string },
): readonly string[] {
  if (before === after) return [];
  const steps = stepsOf(linesOf(before), linesOf(after));
  const lines = [`--- ${names.before}`, `+++ ${names.after}`];
  for (const hunk of hunksOf(steps)) lines.push(...hunkLines(steps, hunk));
  return lines;
}

/** Each line with its end, so that a missing one at the end of the file is a difference. */
function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function stepsOf(before: readonly string[], after: readonly string[]): readonly Step[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const same = (text: string): Step => ({ mark: ' ', text });
  return [
    ...before.slice(0, start).map(same),
    ...middleSteps(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

/** By the longest common subsequence. */
function middleSteps(before: readonly string[], after: readonly string[]): readonly Step[] {
  const removed = (text: string): Step => ({ mark: '-', text });
  const added = (text: string): Step => ({ mark: '+', text });
  if (before.length * after.length > maximumWork) return [...before.map(removed), ...after.map(added)];
  const lengths = commonLengths(before, after);
  const steps: Step[] = [];
  let left = 0;
  let right = 0;
  while (left < before.length || right < after.length) {
    const old = before[left];
    const fresh = after[right];
    if (old !== undefined && old === fresh) {
      steps.push({ mark: ' ', text: old });
      left++;
      right++;
    } else if (
      old !== undefined &&
      (fresh === undefined || (lengths[left + 1]?.[right] ?? 0) >= (lengths[left]?.[right + 1] ?? 0))
    ) {
      steps.push(removed(old));
      left++;
    } else if (fresh !== undefined) {
      steps.push(added(fresh));
      right++;
    }
  }
  return steps;
}

/** How long the common subsequence of what follows each pair of places is. */
function commonLengths(before: readonly string[], after: readonly string[]): readonly Uint32Array[] {
  const rows = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let left = before.length - 1; left >= 0; left--) {
    const row = rows[left] as Uint32Array;
    const below = rows[left + 1] as Uint32Array;
    for (let right = after.length - 1; right >= 0; right--) {
      row[right] =
        before[left] === after[right]
          ? (below[right + 1] ?? 0) + 1
          : Math.max(below[right] ?? 0, row[right + 1] ?? 0);
    }
  }
  return rows;
}

interface Hunk {
  readonly start: number;
  readonly end: number;
}

/** The changes with what is around them; those that would touch are one. */
function hunksOf(steps: readonly Step[]): readonly Hunk[] {
  const hunks: { start: number; end: number }[] = [];
  for (const [index, { mark }] of steps.entries()) {
    if (mark === ' ') continue;
    const start = Math.max(0, index - around);
    const end = Math.min(steps.length, index + around + 1);
    const last = hunks.at(-1);
    if (last !== undefined && start <= last.end) last.end = end;
    else hunks.push({ start, end });
  }
  return hunks;
}

function hunkLines(steps: readonly Step[], { start, end }: Hunk): readonly string[] {
  const count = (until: number, from: number, without: '-' | '+') =>
    steps.slice(from, until).filter(({ mark }) => mark !== without).length;
  const range = (without: '-' | '+') => {
    const length = count(end, start, without);
    const first = count(start, 0, without) + (length === 0 ? 0 : 1);
    return length === 1 ? `${first}` : `${first},${length}`;
  };
  const lines = steps.slice(start, end).flatMap(({ mark, text }) => {
    const line = `${mark}${text.replace(/\r?\n$/, '')}`;
    return text.endsWith('\n') ? [line] : [line, '\\ No newline at end of file'];
  });
  return [`@@ -${range('+')} +${range('-')} @@`, ...lines];
}
