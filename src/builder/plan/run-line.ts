import { HawserError } from '../../errors/hawser-error.ts';
import { heredocContent, parseHeredocMark } from '../dockerfile/heredoc.ts';
import type { CommandLine, RunInstruction } from '../dockerfile/instructions.ts';
import { type RunScript, runOperation } from '../execute/run-operation.ts';
import type { LineContext } from './line-context.ts';
import { planMounts } from './run-mounts.ts';
import type { StageDraft } from './stage-draft.ts';

const defaultShell: readonly string[] = ['/bin/sh', '-c'];

/** The words of CMD, ENTRYPOINT and RUN with the shell in force, where they are a line for one. */
export function commandWords(command: CommandLine, draft: StageDraft): readonly string[] {
  if (!command.shell) return command.words;
  const shell = draft.config.Shell ?? [];
  // A shell gets a line even where there are no words.
  return [...(shell.length > 0 ? shell : defaultShell), command.words[0] ?? ''];
}

export function applyRun(instruction: RunInstruction, draft: StageDraft, line: LineContext): StageDraft {
  const { settings } = line;
  checkRights(instruction, line);
  const { args, script } = runWords(instruction, draft);
  const { mounts, inputs } = planMounts(instruction, draft, line);
  const agent = mounts.find(mount => mount.type === 'ssh');
  const operation = runOperation(
    {
      args,
      env: runEnvironment(draft, agent?.target),
      proxies: proxySettings(settings.buildArgs),
      cwd: draft.config.WorkingDir ?? '/',
      user: draft.config.User ?? '',
      network: instruction.network === 'default' ? settings.network : instruction.network,
      privileged: instruction.security === 'insecure',
      mounts,
      extraHosts: settings.extraHosts,
      limits: settings.limits,
      platform: draft.platform,
      text: instruction.text,
      location: line.location(),
      ...(script === undefined ? {} : { script }),
    },
    settings.surroundings,
  );
  return line.step(draft, { operation, history: runHistory(args, draft), inputs });
}

/** `--security=insecure` wants to be allowed; devices are not handed on, and only one that is required stops the build. */
function checkRights(instruction: RunInstruction, line: LineContext): void {
  if (instruction.security === 'insecure' && !line.settings.allow.has('security.insecure')) {
    throw new HawserError('ENTITLEMENT_MISSING', 'security.insecure is not allowed', {
      location: line.location(),
      remedy: 'Build with --allow security.insecure, if you trust the Dockerfile with the machine.',
    });
  }
  const device = instruction.devices.find(({ required }) => required);
  if (device === undefined) return;
  throw new HawserError('UNSUPPORTED', `RUN --device=${device.name}: build steps get no devices`, {
    location: line.location(),
    remedy: 'Take "required" out, or use the device in a container: hawser run --privileged.',
  });
}

/** What RUN executes; a here-document is the shell's text, or a program of its own where it begins with `#!`. */
function runWords(
  instruction: RunInstruction,
  draft: StageDraft,
): { readonly args: readonly string[]; readonly script?: RunScript } {
  const { command, heredocs } = instruction;
  const [first] = heredocs;
  if (first === undefined) return { args: commandWords(command, draft) };
  const line = command.words[0] ?? '';
  const body = heredocContent(first);
  if (heredocs.length > 1 || parseHeredocMark(line) === undefined) {
    const whole = heredocs.reduce((text, { content, name }) => `${text}\n${content}${name}`, line);
    return { args: commandWords({ shell: true, words: [whole] }, draft) };
  }
  if (body.startsWith('#!')) {
    const path = `/dev/pipes/${first.name}`;
    return { args: commandWords({ shell: true, words: [path] }, draft), script: { path, content: body } };
  }
  return { args: commandWords({ shell: true, words: [body] }, draft) };
}

/** The text of RUN in the history: the declared arguments with their values, then the words. */
function runHistory(args: readonly string[], draft: StageDraft): string {
  const values = new Map<string, string>();
  for (const { name, value } of draft.buildArguments) {
    values.set(name, draft.variables.get(name) ?? value ?? '');
  }
  const prefix =
    values.size === 0 ? [] : [`|${values.size}`, ...[...values].map(([name, value]) => `${name}=${value}`)];
  return `RUN ${[...prefix, ...args].join(' ')} # buildkit`;
}

const proxyNames: ReadonlySet<string> = new Set([
  'http_proxy',
  'https_proxy',
  'ftp_proxy',
  'no_proxy',
  'all_proxy',
]);

/** Build arguments that every RUN sees without declaring them, and that do not count for the cache. */
function proxySettings(buildArgs: Readonly<Record<string, string>>): readonly string[] {
  const settings: string[] = [];
  for (const name of Object.keys(buildArgs).sort()) {
    if (!proxyNames.has(name.toLowerCase())) continue;
    settings.push(`${name.toLowerCase()}=${buildArgs[name]}`, `${name.toUpperCase()}=${buildArgs[name]}`);
  }
  return settings;
}

/** ENV and ARG as RUN sees them, and where the agent of its first `--mount=type=ssh` is. */
function runEnvironment(draft: StageDraft, agent: string | undefined): readonly string[] {
  const entries = [...draft.variables].map(([name, value]) => `${name}=${value}`);
  return agent === undefined || draft.variables.has('SSH_AUTH_SOCK')
    ? entries
    : [...entries, `SSH_AUTH_SOCK=${agent}`];
}
