import { posix } from 'node:path';
import type { RunInstruction, WorkdirInstruction } from '../dockerfile/instructions.ts';
import { makeFolderOperation } from '../execute/make-folder-operation.ts';
import { runOperation } from '../execute/run-operation.ts';
import type { LineContext } from './line-context.ts';
import { proxySettings, runEnvironment, runHistory, runWords } from './run-line.ts';
import { type StageDraft, withConfig, withHistory } from './stage-draft.ts';

/* The lines that change files: each adds a step to the graph, and a layer. */

export function applyRun(instruction: RunInstruction, draft: StageDraft, line: LineContext): StageDraft {
  const unsupported = unsupportedRunFlag(instruction);
  if (unsupported !== undefined) line.fail(`RUN ${unsupported} is not supported yet`);
  const { settings } = line;
  const { args, script } = runWords(instruction, draft);
  const operation = runOperation(
    {
      args,
      env: runEnvironment(draft),
      proxies: proxySettings(settings.buildArgs),
      cwd: draft.config.WorkingDir ?? '/',
      user: draft.config.User ?? '',
      network: instruction.network === 'default' ? settings.network : instruction.network,
      extraHosts: settings.extraHosts,
      text: instruction.text,
      location: line.location(),
      ...(script === undefined ? {} : { script }),
    },
    settings.surroundings,
  );
  return line.step(draft, { operation, history: runHistory(args, draft) });
}

function unsupportedRunFlag(instruction: RunInstruction): string | undefined {
  if (instruction.mounts.length > 0) return '--mount';
  if (instruction.devices.length > 0) return '--device';
  return instruction.security === 'insecure' ? '--security=insecure' : undefined;
}

/** Relative to the one before, `..` resolved; the folder is made unless it is the root. */
export function applyWorkdir(
  instruction: WorkdirInstruction,
  draft: StageDraft,
  line: LineContext,
): StageDraft {
  const path = posix.resolve('/', draft.config.WorkingDir ?? '/', line.expand(instruction.path, draft));
  const next = withConfig(draft, { WorkingDir: path });
  const history = `WORKDIR ${path}`;
  if (path === '/') return withHistory(next, history, { layer: false });
  const operation = makeFolderOperation({ path, user: draft.config.User ?? '', epoch: line.settings.epoch });
  return line.step(next, { operation, history });
}
