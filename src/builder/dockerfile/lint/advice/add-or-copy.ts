import type { AddInstruction } from '../../instructions.ts';
import { isRemote } from '../checks/transfers.ts';
import { replaceIn, safeFix, shownFix } from '../edits.ts';
import { adviceRules } from './advice-rules.ts';
import type { ContextFiles, Survey } from './survey.ts';

const archive = /\.(?:tar|tgz|tbz2?|txz|tzst|tar\.(?:gz|bz2|xz|zst))$/i;

/** ADD of local files that are no archives. */
export function adviseAdd(survey: Survey): void {
  for (const { stage } of survey.stages) {
    for (const line of stage.instructions) if (line.kind === 'add') adviseLine(line, survey);
  }
}

function adviseLine(line: AddInstruction, { linter, context }: Survey): void {
  const { node, sources, files, keepGitDir, checksum, unpack } = line;
  if (keepGitDir !== undefined || checksum !== undefined || unpack !== undefined) return;
  if (sources.length + files.length === 0 || sources.some(({ text }) => isRemote(text))) return;
  if (sources.some(({ text }) => archive.test(text) || text.includes('$'))) return;
  const known = sources.map(({ text }) => isPlain(text, context));
  if (known.includes('archive')) return;
  const keyword = node.keyword.text === node.keyword.text.toLowerCase() ? 'copy' : 'COPY';
  const edit = replaceIn(node, node.keyword, keyword);
  linter.report(
    adviceRules.addInsteadOfCopy,
    { node, range: node.keyword },
    {
      message: 'ADD of local files that are no archives',
      ...(known.every(kind => kind === 'plain') ? safeFix(edit) : shownFix(edit)),
    },
  );
}

/** By what the file has in it, as ADD itself decides. */
function isPlain(path: string, context: ContextFiles | undefined): 'plain' | 'archive' | 'unknown' {
  const clean = path.replace(/^(?:\.?\/)+/, '');
  if (context === undefined || /[*?[\\]/.test(path)) return 'unknown';
  const kind = clean === '' || clean === '.' ? 'folder' : context.kindOf(clean);
  if (kind === undefined) return 'unknown';
  return kind === 'file' && context.isArchive(clean) ? 'archive' : 'plain';
}
