import type { BuildOutput } from '../builder/environment.ts';
import { HawserError } from '../errors/hawser-error.ts';

/** `NAME=value`, or `NAME` for what the environment has under that name. */
export function parseAssignments(
  texts: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const text of texts) {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    const value = equals < 0 ? env[text] : text.slice(equals + 1);
    if (name === '') {
      throw new HawserError('INVALID_ARGUMENT', `${JSON.stringify(text)} has no name`, {
        remedy: 'Use NAME=VALUE.',
      });
    }
    if (value !== undefined) values[name] = value;
  }
  return values;
}

const outputTypes = ['oci', 'docker', 'tar', 'local'] as const;

/**
 * `type=oci|docker|tar|local,dest=PATH`; a bare path is a folder, as in Docker.
 *
 * @throws HawserError INVALID_ARGUMENT
 */
export function parseOutput(text: string): BuildOutput {
  if (!text.includes('=')) return { type: 'local', dest: text };
  const fields = new Map<string, string>();
  for (const field of text.split(',')) {
    const equals = field.indexOf('=');
    fields.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1));
  }
  const wrong = (why: string) =>
    new HawserError('INVALID_ARGUMENT', `--output ${JSON.stringify(text)}: ${why}`, {
      remedy: 'Use type=oci|docker|tar|local,dest=PATH.',
    });
  const unknown = [...fields.keys()].find(name => name !== 'type' && name !== 'dest');
  if (unknown !== undefined) throw wrong(`unknown field ${JSON.stringify(unknown)}`);
  const type = outputTypes.find(known => known === fields.get('type'));
  if (type === undefined) throw wrong(`unknown type ${JSON.stringify(fields.get('type') ?? '')}`);
  const dest = fields.get('dest');
  if (dest === undefined || dest === '' || dest === '-') throw wrong('it needs a dest that is a path');
  return { type, dest };
}

/** `HOST:ADDRESS` of --add-host; `host-gateway` is not known to builds, which use the host's network. */
export function parseAddHost(text: string): { readonly host: string; readonly address: string } {
  const match = /^([^:=]+)[:=](.+)$/.exec(text);
  if (match === null) {
    throw new HawserError('INVALID_ARGUMENT', `--add-host ${JSON.stringify(text)}`, {
      remedy: 'Use HOST:ADDRESS.',
    });
  }
  return { host: match[1] ?? '', address: (match[2] ?? '').replace(/^\[|\]$/g, '') };
}

/** SOURCE_DATE_EPOCH: seconds since 1970. https://reproducible-builds.org/specs/source-date-epoch/ */
export function sourceDateEpoch(text: string | undefined): { readonly sourceDateEpoch?: number } {
  if (text === undefined || text === '') return {};
  if (!/^\d{1,12}$/.test(text)) {
    throw new HawserError(
      'INVALID_ARGUMENT',
      `SOURCE_DATE_EPOCH ${JSON.stringify(text)} is not a number of seconds`,
    );
  }
  return { sourceDateEpoch: Number(text) };
}
