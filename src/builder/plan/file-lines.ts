import { posix } from 'node:path';
import type { WorkdirInstruction } from '../dockerfile/instructions.ts';
import { makeFolderOperation } from '../execute/make-folder-operation.ts';
import type { LineContext } from './line-context.ts';
import { type StageDraft, withConfig, withHistory } from './stage-draft.ts';

/* COPY, ADD and WORKDIR: each adds a step to the graph, and a layer. */

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
