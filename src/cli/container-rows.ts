import { HawserError } from '../errors/hawser-error.ts';
import { listContainers } from '../runtime/container-state.ts';
import type { Container } from '../runtime/container-types.ts';
import { formatPortMapping } from '../runtime/network/port-mappings.ts';
import type { Roots } from '../util/roots.ts';
import { humanAge, humanDuration } from './human.ts';

/** A line of `container ps`, with Docker's field names. */
export interface ContainerRow {
  readonly ID: string;
  readonly Image: string;
  readonly Command: string;
  readonly CreatedAt: string;
  readonly RunningFor: string;
  readonly State: string;
  readonly Status: string;
  readonly Ports: string;
  readonly Names: string;
  readonly Labels: string;
}

function statusOf({ state }: Container): string {
  const since = (time: string | undefined) => humanDuration(Date.now() - Date.parse(time ?? ''));
  if (state.status === 'running') return `Up ${since(state.startedAt)}`;
  if (state.status === 'exited') return `Exited (${state.exitCode ?? 0}) ${since(state.finishedAt)} ago`;
  return state.status === 'created' ? 'Created' : 'Dead';
}

function rowOf(container: Container, full: boolean): ContainerRow {
  const { record, state, start } = container;
  const command = JSON.stringify(record.args.join(' '));
  return {
    ID: full ? record.id : record.id.slice(0, 12),
    Image: record.image.name,
    Command: full || command.length <= 20 ? command : `${command.slice(0, 19)}…"`,
    CreatedAt: record.created,
    RunningFor: humanAge(record.created),
    State: state.status,
    Status: statusOf(container),
    Ports: state.status === 'running' ? (start?.ports ?? []).map(formatPortMapping).join(', ') : '',
    Names: record.name,
    Labels: Object.entries(record.labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
  };
}

const filters: Readonly<Record<string, (container: Container, value: string) => boolean>> = {
  name: ({ record }, value) => record.name.includes(value.replace(/^[/^]+|\$$/g, '')),
  id: ({ record }, value) => record.id.startsWith(value),
  status: ({ state }, value) => state.status === value,
  ancestor: ({ record }, value) => record.image.name === value || record.image.id.includes(value),
  label: ({ record }, value) => {
    const [name = '', wanted] = value.split(/=(.*)/s);
    return name in record.labels && (wanted === undefined || record.labels[name] === wanted);
  },
};

function matcher(text: string): (container: Container) => boolean {
  const equals = text.indexOf('=');
  const filter = filters[text.slice(0, equals)];
  if (equals < 0 || filter === undefined) {
    throw new HawserError('INVALID_ARGUMENT', `--filter ${JSON.stringify(text)}`, {
      remedy: `Use one of ${Object.keys(filters).join(', ')} with =VALUE.`,
    });
  }
  return container => filter(container, text.slice(equals + 1));
}

/** The containers of these roots, the newest first; without `all` those that run. Sandboxes of pods are not shown. */
export function listContainerRows(
  roots: Roots,
  options: { readonly all: boolean; readonly full: boolean; readonly filters: readonly string[] },
): ContainerRow[] {
  const matchers = options.filters.map(matcher);
  const byStatus = options.filters.some(text => text.startsWith('status='));
  return listContainers(roots)
    .filter(({ record }) => record.kind === 'container')
    .filter(({ state }) => options.all || byStatus || state.status === 'running')
    .filter(container => matchers.every(matches => matches(container)))
    .sort((left, right) => right.record.created.localeCompare(left.record.created))
    .map(container => rowOf(container, options.full));
}
