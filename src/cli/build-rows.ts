import { basename } from 'node:path';
import { buildIDs, recordPath } from '../builder/history/history-folder.ts';
import { type BuildRecord, readRecord } from '../builder/history/read-record.ts';
import { humanAge, humanSeconds } from './human.ts';
import type { ListColumn } from './list-output.ts';

/** A line of `builder history`. */
export interface BuildRow {
  readonly ID: string;
  readonly Name: string;
  readonly Tags: string;
  readonly Status: BuildRecord['status'];
  /** RFC 3339 */
  readonly CreatedAt: string;
  /** Milliseconds. */
  readonly Duration: number;
  readonly Steps: number;
  readonly CachedSteps: number;
  readonly Image: string;
}

/** What people call a build: its folder or repository, and its stage. */
export function buildName({ about }: BuildRecord): string {
  const { context, target } = about;
  const name = context === '-' ? 'stdin' : basename(context.replace(/[#?].*$/, '')) || context;
  return target === undefined ? name : `${name} (${target})`;
}

export function rowOfBuild(record: BuildRecord): BuildRow {
  return {
    ID: record.id,
    Name: buildName(record),
    Tags: record.about.tags.join(', '),
    Status: record.status,
    CreatedAt: new Date(record.started).toISOString(),
    Duration: Math.round(record.duration),
    Steps: record.steps.length,
    CachedSteps: record.steps.filter(({ state }) => state === 'cached').length,
    Image: record.image ?? '',
  };
}

export const buildColumns: readonly ListColumn<BuildRow>[] = [
  { title: 'BUILD ID', cell: row => row.ID },
  { title: 'NAME', cell: row => row.Name },
  { title: 'TAGS', cell: row => row.Tags },
  { title: 'STATUS', cell: row => row.Status },
  { title: 'CACHED', cell: row => `${row.CachedSteps}/${row.Steps}` },
  { title: 'CREATED', cell: row => humanAge(row.CreatedAt) },
  { title: 'DURATION', cell: row => humanSeconds(row.Duration) },
];

/** All builds, the newest first. */
export async function listBuilds(folder: string): Promise<BuildRow[]> {
  const rows: BuildRow[] = [];
  for (const id of buildIDs(folder).toReversed()) {
    const record = await readRecord(recordPath(folder, id));
    if (record !== undefined) rows.push(rowOfBuild(record));
  }
  return rows;
}
