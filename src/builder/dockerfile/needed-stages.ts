import { parseCsv } from './csv.ts';
import type { StageInstruction } from './instructions.ts';
import type { Word } from './source.ts';
import type { Program, Stage } from './stages.ts';
import { findBaseStage, findSourceStage } from './stages.ts';

/** Where an instruction takes files from besides the context: `COPY --from` and `--mount from=`. */
export interface SourceOfLine {
  readonly word: Word;
  /** What COPY means by a number is a stage. */
  readonly numbers: boolean;
}

export function sourcesOfLine(instruction: StageInstruction): readonly SourceOfLine[] {
  if (instruction.kind === 'copy') {
    return instruction.from === undefined ? [] : [{ word: instruction.from, numbers: true }];
  }
  if (instruction.kind !== 'run') return [];
  return instruction.mounts.flatMap(({ word }) => {
    const field = (parseCsv(word.text) ?? []).find(text => /^from=./i.test(text));
    return field === undefined ? [] : [{ word: { ...word, text: field.slice(5) }, numbers: false }];
  });
}

/**
 * The stages that building `target` looks at, itself included.
 *
 * @param imageOf What the name behind FROM comes to.
 * @throws HawserError DOCKERFILE_INVALID for a stage that is not above the line that names it
 */
export function neededStages(
  program: Program,
  target: Stage,
  imageOf: (stage: Stage) => string,
): ReadonlySet<Stage> {
  const needed = new Set<Stage>();
  const waiting = [target];
  for (let stage = waiting.pop(); stage !== undefined; stage = waiting.pop()) {
    if (needed.has(stage)) continue;
    needed.add(stage);
    const base = findBaseStage(program, imageOf(stage), stage.from);
    if (base !== undefined) waiting.push(base);
    for (const instruction of stage.instructions) {
      for (const { word, numbers } of sourcesOfLine(instruction)) {
        const place = { instruction, word };
        const source = findSourceStage(program, word.text, { before: stage, numbers, place });
        if (source !== undefined) waiting.push(source);
      }
    }
  }
  return needed;
}
