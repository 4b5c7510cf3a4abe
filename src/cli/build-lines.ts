import type { BuildRecord, RecordedStep } from '../builder/history/read-record.ts';
import { buildName } from './build-rows.ts';
import { humanAge, humanSeconds, humanSize } from './human.ts';
import { formatTable } from './table.ts';

/** What a person reads of one build. */
export function buildLines(record: BuildRecord): string[] {
  const { about, steps } = record;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Build', record.id],
    ['Name', buildName(record)],
    ['Context', about.context],
    ['Dockerfile', about.file],
    ['Tags', about.tags.length === 0 ? undefined : about.tags.join(', ')],
    ['Status', record.status],
    [
      'Created',
      `${new Date(record.started).toISOString()} (${humanAge(new Date(record.started).toISOString())})`,
    ],
    ['Duration', humanSeconds(record.duration)],
    ['Image', record.image],
    ['Error', record.error?.split('\n')[0]],
  ];
  const titles = ['STEP', 'STATE', 'BEGAN', 'TOOK', 'OUTPUT'];
  return [
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : [`${`${name}:`.padEnd(12)}${value}`])),
    ...record.warnings.map(text => `${'Warning:'.padEnd(12)}${text}`),
    '',
    ...formatTable(
      titles,
      steps.map(step => stepCells(step, record)),
    ),
  ];
}

function stepCells({ name, state, start, end, output }: RecordedStep, { duration }: BuildRecord): string[] {
  const took = start === undefined || state === 'cached' ? '' : humanSeconds((end ?? duration) - start);
  return [
    name.length > 70 ? `${name.slice(0, 69)}…` : name,
    state,
    start === undefined ? '' : humanSeconds(start),
    took,
    output === 0 ? '' : humanSize(output),
  ];
}

/** The same for programs; times in milliseconds from the start. */
export function buildJson(record: BuildRecord): object {
  const { id, about, status, started, duration, image, error, warnings, steps } = record;
  return {
    ID: id,
    Context: about.context,
    Dockerfile: about.file,
    Target: about.target,
    Tags: about.tags,
    Status: status,
    CreatedAt: new Date(started).toISOString(),
    Duration: Math.round(duration),
    Image: image,
    Error: error,
    Warnings: warnings,
    Steps: steps.map(step => ({
      Name: step.name,
      State: step.state,
      Start: step.start,
      Duration: step.start === undefined ? undefined : (step.end ?? duration) - step.start,
      OutputBytes: step.output,
      Error: step.error,
    })),
  };
}
