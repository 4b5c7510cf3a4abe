import type { DockerfileNode } from './ast.ts';
import { parseCsv } from './csv.ts';
import { dockerfileError, suggestion } from './errors.ts';
import { readFlags } from './flags.ts';
import type { Device, RunInstruction } from './instructions.ts';
import { checkMount, parseBoolean } from './resolve-mount.ts';
import type { Word } from './source.ts';
import { locationIn } from './source.ts';

type Run = Pick<RunInstruction, 'heredocs' | 'mounts' | 'network' | 'security' | 'devices'>;

/** The flags of RUN; https://docs.docker.com/reference/dockerfile/#run */
export function run(node: DockerfileNode): Run {
  const flags = readFlags(node, { mount: 'texts', network: 'text', security: 'text', device: 'texts' });
  const mounts = flags.texts('mount').map(word => ({ word }));
  for (const mount of mounts) checkMount(mount, { location: () => locationIn(node.line, mount.word) });
  return {
    heredocs: node.heredocs,
    mounts,
    network: oneOf(node, flags.text('network'), {
      what: 'network mode',
      choices: ['default', 'none', 'host'],
    }),
    security: oneOf(node, flags.text('security'), { what: 'security', choices: ['sandbox', 'insecure'] }),
    devices: flags.texts('device').map(word => device(node, word)),
  };
}

/** The first choice is the default. */
function oneOf<T extends string>(
  node: DockerfileNode,
  word: Word | undefined,
  options: { readonly what: string; readonly choices: readonly [T, ...T[]] },
): T {
  if (word === undefined) return options.choices[0];
  const found = options.choices.find(choice => choice === word.text);
  if (found !== undefined) return found;
  const { suffix } = suggestion(word.text, options.choices);
  const message = `unsupported ${options.what} ${JSON.stringify(word.text)}${suffix}`;
  throw dockerfileError(message, locationIn(node.line, word), `Use one of ${options.choices.join(', ')}.`);
}

/** `NAME[,required]`, or with keys: `name=NAME,required=true`. */
function device(node: DockerfileNode, word: Word): Device {
  const fail = (message: string): never => {
    throw dockerfileError(message, locationIn(node.line, word), 'Write --device=NAME[,required].');
  };
  const fields = parseCsv(word.text) ?? fail('failed to parse csv devices');
  let name = '';
  let required = false;
  for (const field of fields) {
    const [key = '', value] = cut(field);
    if (value === undefined && key.toLowerCase() === 'required') required = true;
    else if (value === undefined && name === '') name = key;
    else if (value === undefined) fail(`invalid field '${field}' must be a key=value pair`);
    else if (key.toLowerCase() === 'name')
      name = name === '' ? value : fail(`device name already set to ${name}`);
    else if (key.toLowerCase() === 'required')
      required = parseBoolean(value) ?? fail(`invalid value for required: ${value}`);
    // a name such as `vendor.com/gpu=0`
    else if (name === '') name = field;
    else fail(`unexpected key '${key}' in '${field}'${suggestion(key, ['name', 'required']).suffix}`);
  }
  if (name === '') fail('device name is required');
  return { name, required };
}

function cut(field: string): [string, string | undefined] {
  const equals = field.indexOf('=');
  return equals < 0 ? [field, undefined] : [field.slice(0, equals), field.slice(equals + 1)];
}
