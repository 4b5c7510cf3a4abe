import { adviceRules } from './advice-rules.ts';
import { isWholeContext } from './cache-order.ts';
import type { Survey } from './survey.ts';

/** Names at the top of a context that no image needs, and why they are there. */
const needless: readonly (readonly [pattern: RegExp, kind: 'file' | 'folder' | 'any'])[] = [
  [/^\.(?:git|hg|svn|bzr)$/, 'any'],
  [/^(?:node_modules|bower_components)$/, 'folder'],
  [/^(?:\.?venv|__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.tox|\.eggs)$/, 'folder'],
  [/^(?:\.idea|\.vscode|\.vs|\.DS_Store|Thumbs\.db)$/, 'any'],
  [/^(?:\.nyc_output|coverage|\.coverage|htmlcov)$/, 'any'],
  [/^(?:\.terraform|\.vagrant|\.gradle|\.next|\.nuxt|\.parcel-cache|\.turbo|\.cache)$/, 'folder'],
  [/^(?:npm-debug|yarn-error|yarn-debug)\.log/, 'file'],
  [/^\.env(?:\.|$)/, 'file'],
];

/** Told at the first line that copies all there is. */
export function adviseContext(survey: Survey): void {
  const { context, linter } = survey;
  if (context === undefined) return;
  const copy = survey.stages.flatMap(({ stage }) => stage.instructions).find(isWholeContext);
  const found = context.names.filter(name => isNeedless(name, context.kindOf(name)));
  if (copy === undefined || found.length === 0) return;
  linter.report(
    adviceRules.needlessContext,
    { node: copy.node, range: copy.sources[0] },
    {
      message: `${found.join(', ')} ${found.length === 1 ? 'is' : 'are'} copied too, and no line of .dockerignore keeps ${found.length === 1 ? 'it' : 'them'} out`,
      hint: 'Add to .dockerignore:',
      mended: found,
    },
  );
}

function isNeedless(name: string, kind: 'file' | 'folder' | undefined): boolean {
  return needless.some(([pattern, wanted]) => pattern.test(name) && (wanted === 'any' || wanted === kind));
}
