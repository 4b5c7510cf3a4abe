import { constants } from 'node:os';
import type { Healthcheck } from '../../image/config.ts';
import type {
  ArgInstruction,
  CmdInstruction,
  EntrypointInstruction,
  EnvInstruction,
  ExposeInstruction,
  HealthcheckInstruction,
  LabelInstruction,
  StopsignalInstruction,
  UserInstruction,
  VolumeInstruction,
} from '../dockerfile/instructions.ts';
import { goQuoteList, healthcheckText } from './history-text.ts';
import type { LineContext } from './line-context.ts';
import { parsePorts } from './ports.ts';
import { commandWords } from './run-line.ts';
import { type StageDraft, setEnvironment, withConfig, withHistory, withVariable } from './stage-draft.ts';

/* The lines that change an image's config and no file. Each gives the next draft of the stage. */

const noLayer = { layer: false } as const;

/** The pairs of ENV and LABEL, all expanded with what was set before the line. */
function expandPairs(
  instruction: EnvInstruction | LabelInstruction,
  draft: StageDraft,
  line: LineContext,
): readonly (readonly [string, string])[] {
  return instruction.pairs.map(({ name, value }) => [line.expand(name, draft), line.expand(value, draft)]);
}

export function applyEnv(instruction: EnvInstruction, draft: StageDraft, line: LineContext): StageDraft {
  const pairs = expandPairs(instruction, draft, line);
  let next = draft;
  for (const [name, value] of pairs) {
    const environment = setEnvironment(next.config.Env ?? [], name, value);
    next = withConfig(withVariable(next, name, value), { Env: environment });
  }
  return withHistory(next, `ENV ${pairs.map(([name, value]) => `${name}=${value}`).join(' ')}`, noLayer);
}

export function applyLabel(instruction: LabelInstruction, draft: StageDraft, line: LineContext): StageDraft {
  const pairs = expandPairs(instruction, draft, line);
  const labels = { ...draft.config.Labels, ...Object.fromEntries(pairs) };
  const text = `LABEL ${pairs.map(([name, value]) => `${name}=${value}`).join(' ')}`;
  return withHistory(withConfig(draft, { Labels: labels }), text, noLayer);
}

/** A value of the command line wins over the default, and a bare name takes the global ARG's value. */
export function applyArg(instruction: ArgInstruction, draft: StageDraft, line: LineContext): StageDraft {
  const { buildArgs, globals } = line.settings;
  let next = draft;
  const texts: string[] = [];
  for (const argument of instruction.args) {
    const name = argument.name.text;
    const fallback = argument.value === undefined ? globals.get(name) : line.expand(argument.value, next);
    const value = Object.hasOwn(buildArgs, name) ? buildArgs[name] : fallback;
    if (value !== undefined) next = withVariable(next, name, value);
    next = { ...next, buildArguments: [...next.buildArguments, { name, value }] };
    texts.push(value === undefined ? name : `${name}=${value}`);
  }
  return withHistory(next, `ARG ${texts.join(' ')}`, noLayer);
}

export function applyCmd(instruction: CmdInstruction, draft: StageDraft): StageDraft {
  const words = commandWords(instruction.command, draft);
  const next = withConfig({ ...draft, commandSet: true }, { Cmd: words, ArgsEscaped: true });
  return withHistory(next, `CMD ${goQuoteList(words)}`, noLayer);
}

/** ENTRYPOINT takes away an inherited CMD, and leaves one of this stage. */
export function applyEntrypoint(instruction: EntrypointInstruction, draft: StageDraft): StageDraft {
  const words = commandWords(instruction.command, draft);
  const command = draft.commandSet ? {} : { Cmd: null };
  const next = withConfig(draft, { Entrypoint: words, ArgsEscaped: true, ...command });
  return withHistory(next, `ENTRYPOINT ${goQuoteList(words)}`, noLayer);
}

export function applyExpose(
  instruction: ExposeInstruction,
  draft: StageDraft,
  line: LineContext,
): StageDraft {
  const ports: string[] = [];
  for (const word of instruction.ports) {
    for (const text of line.expandWords(word, draft)) {
      const parsed = parsePorts(text);
      if (parsed === undefined) {
        return line.fail(`invalid port ${JSON.stringify(text)}`, word, 'Write PORT[-PORT][/tcp|udp|sctp].');
      }
      ports.push(...parsed);
    }
  }
  const all = [...new Set([...Object.keys(draft.config.ExposedPorts ?? {}), ...ports])].sort();
  const next = withConfig(draft, { ExposedPorts: Object.fromEntries(all.map(port => [port, {}])) });
  return withHistory(next, `EXPOSE [${ports.join(' ')}]`, noLayer);
}

export function applyVolume(
  instruction: VolumeInstruction,
  draft: StageDraft,
  line: LineContext,
): StageDraft {
  const paths = instruction.paths.map(word => {
    const path = line.expand(word, draft);
    if (path !== '') return path;
    return line.fail(
      'VOLUME specified can not be an empty string',
      word,
      'Give the variable a value, or name a folder.',
    );
  });
  const volumes = { ...draft.config.Volumes, ...Object.fromEntries(paths.map(path => [path, {}])) };
  return withHistory(withConfig(draft, { Volumes: volumes }), `VOLUME [${paths.join(' ')}]`, noLayer);
}

export function applyUser(instruction: UserInstruction, draft: StageDraft, line: LineContext): StageDraft {
  const user = line.expand(instruction.user, draft);
  return withHistory(withConfig(draft, { User: user }), `USER ${user}`, noLayer);
}

export function applyStopsignal(
  instruction: StopsignalInstruction,
  draft: StageDraft,
  line: LineContext,
): StageDraft {
  const signal = line.expand(instruction.signal, draft);
  if (!isSignal(signal)) {
    return line.fail(
      `invalid signal ${JSON.stringify(signal)}`,
      instruction.signal,
      'Write a name such as SIGTERM, or a number.',
    );
  }
  return withHistory(withConfig(draft, { StopSignal: signal }), `STOPSIGNAL ${signal}`, noLayer);
}

function isSignal(text: string): boolean {
  if (/^\d+$/.test(text)) return Number(text) > 0 && Number(text) <= 64;
  const name = `SIG${text.toUpperCase().replace(/^SIG/, '')}`;
  return name in constants.signals || /^SIGRTM(?:IN(?:\+\d{1,2})?|AX(?:-\d{1,2})?)$/.test(name);
}

export function applyHealthcheck(instruction: HealthcheckInstruction, draft: StageDraft): StageDraft {
  const { interval, timeout, startPeriod, startInterval, retries } = instruction.options;
  const check: Healthcheck = {
    Test: instruction.test,
    ...(interval > 0 ? { Interval: interval } : {}),
    ...(timeout > 0 ? { Timeout: timeout } : {}),
    ...(startPeriod > 0 ? { StartPeriod: startPeriod } : {}),
    ...(startInterval > 0 ? { StartInterval: startInterval } : {}),
    ...(retries > 0 ? { Retries: retries } : {}),
  };
  return withHistory(
    withConfig(draft, { Healthcheck: check }),
    `HEALTHCHECK ${healthcheckText(check)}`,
    noLayer,
  );
}
