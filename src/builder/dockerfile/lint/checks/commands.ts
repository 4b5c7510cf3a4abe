import type { CmdInstruction, EntrypointInstruction, StageInstruction } from '../../instructions.ts';
import { buildChecks } from '../build-checks.ts';
import { deleteLines, replaceIn, shownFix } from '../edits.ts';
import type { Linter } from '../linter.ts';
import { plainWords } from '../shell/plain-words.ts';
import type { LineWork } from './line-work.ts';

/** The shell form hides the program from signals, unless a SHELL was chosen on purpose. */
export function checkCommand(line: CmdInstruction | EntrypointInstruction, work: LineWork): void {
  const { node, command } = line;
  if (!command.shell || command.words.length === 0 || work.scope.shellSet) return;
  const [argument] = node.args;
  const text = command.words[0] ?? '';
  const words = plainWords(text);
  const array = `[${(words ?? ['/bin/sh', '-c', text]).map(word => JSON.stringify(word)).join(', ')}]`;
  work.linter.report(
    buildChecks.jsonArgsRecommended,
    { node, range: argument },
    {
      message: `JSON arguments recommended for ${node.keyword.text} to prevent unintended behavior related to OS signals`,
      ...(words === undefined || argument === undefined
        ? { hint: 'If the shell is meant, name it:', mended: [`${node.keyword.text} ${array}`] }
        : shownFix(replaceIn(node, argument, array))),
    },
  );
}

const oncePerStage = ['cmd', 'entrypoint', 'healthcheck'] as const;

/** Of these only the last one of a stage counts; those before it are told. */
export function checkOnce(instructions: readonly StageInstruction[], linter: Linter): void {
  for (const kind of oncePerStage) {
    const lines = instructions.filter(line => line.kind === kind);
    for (const [index, { node }] of lines.slice(0, -1).entries()) {
      const name = lines[index + 1]?.node.keyword.text ?? node.keyword.text;
      linter.report(
        buildChecks.multipleInstructionsDisallowed,
        { node, range: node.keyword },
        {
          message: `Multiple ${name} instructions should not be used in the same stage because only the last one will be used`,
          hint: 'Remove this one.',
          ...shownFix(deleteLines(node.line.startLine, node.line.endLine)),
        },
      );
    }
  }
}
