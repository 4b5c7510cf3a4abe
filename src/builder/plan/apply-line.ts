import type { StageInstruction } from '../dockerfile/instructions.ts';
import {
  applyArg,
  applyCmd,
  applyEntrypoint,
  applyEnv,
  applyExpose,
  applyHealthcheck,
  applyLabel,
  applyStopsignal,
  applyUser,
  applyVolume,
} from './config-lines.ts';
import { applyCopy } from './copy-line.ts';
import { applyWorkdir } from './file-lines.ts';
import type { LineContext } from './line-context.ts';
import { applyRun } from './run-line.ts';
import { type StageDraft, withConfig, withHistory } from './stage-draft.ts';

/** What a line makes of its stage. */
export function applyLine(instruction: StageInstruction, draft: StageDraft, line: LineContext): StageDraft {
  switch (instruction.kind) {
    case 'run':
      return applyRun(instruction, draft, line);
    case 'copy':
    case 'add':
      return applyCopy(instruction, draft, line);
    case 'workdir':
      return applyWorkdir(instruction, draft, line);
    case 'env':
      return applyEnv(instruction, draft, line);
    case 'arg':
      return applyArg(instruction, draft, line);
    case 'label':
      return applyLabel(instruction, draft, line);
    case 'cmd':
      return applyCmd(instruction, draft);
    case 'entrypoint':
      return applyEntrypoint(instruction, draft);
    case 'expose':
      return applyExpose(instruction, draft, line);
    case 'volume':
      return applyVolume(instruction, draft, line);
    case 'user':
      return applyUser(instruction, draft, line);
    case 'stopsignal':
      return applyStopsignal(instruction, draft, line);
    case 'healthcheck':
      return applyHealthcheck(instruction, draft);
    case 'shell':
      return withHistory(
        withConfig(draft, { Shell: instruction.words }),
        `SHELL [${instruction.words.join(' ')}]`,
        { layer: false },
      );
    case 'maintainer':
      return withHistory({ ...draft, author: instruction.name }, `MAINTAINER ${instruction.name}`, {
        layer: false,
      });
    case 'onbuild':
      return withConfig(draft, { OnBuild: [...(draft.config.OnBuild ?? []), instruction.trigger] });
  }
}

/** Whether the line becomes a step with a layer, for the numbers that steps have. */
export function isStep(instruction: StageInstruction): boolean {
  return ['run', 'copy', 'add', 'workdir'].includes(instruction.kind);
}
