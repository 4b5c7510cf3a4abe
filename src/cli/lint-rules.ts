import { adviceRules } from '../builder/dockerfile/lint/advice/advice-rules.ts';
import { buildChecks } from '../builder/dockerfile/lint/build-checks.ts';
import type { LintRule } from '../builder/dockerfile/lint/rule.ts';
import { formatTable } from './table.ts';

/** All rules that `image lint` knows: a table, or an object a line. */
export function ruleLines(format: 'text' | 'json'): readonly string[] {
  const rules: readonly LintRule[] = [...Object.values(buildChecks), ...Object.values(adviceRules)];
  const rows = rules.map(({ name, description, url, experimental, advice }) => ({
    name,
    kind: advice === true ? 'advice' : experimental === true ? 'experimental' : 'check',
    description,
    ...(url === undefined ? {} : { url }),
  }));
  if (format === 'json') return rows.map(row => JSON.stringify(row));
  return formatTable(
    ['RULE', 'KIND', 'DESCRIPTION'],
    rows.map(({ name, kind, description }) => [name, kind, description]),
  );
}
