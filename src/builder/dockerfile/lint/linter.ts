import type { SourceLocation } from '../../../errors/hawser-error.ts';
import type { DockerfileNode } from '../ast.ts';
import type { TextRange } from '../source.ts';
import { locationIn, locationOfLines } from '../source.ts';
import type { CheckConfig } from './check-config.ts';
import { checkConfigAbove, defaultCheckConfig, isChecked } from './check-config.ts';
import type { Finding } from './finding.ts';
import type { LintRule } from './rule.ts';

/** Where a rule is not kept. */
export interface Place {
  readonly node: DockerfileNode;
  /** Offsets in the node's line, for the caret; all of its lines when left out. */
  readonly range?: { readonly start: number; readonly end: number } | undefined;
  /** The same for a place that is not in the node's line, but in a heredoc. */
  readonly at?: TextRange | undefined;
  /** Other lines than the node's. */
  readonly lines?: Finding['lines'];
}

type Remedy = Pick<Finding, 'hint' | 'fix' | 'mended'>;

/** Takes what the checks find, less what the file says is not to be told. */
export class Linter {
  readonly #findings: Finding[] = [];
  readonly #config: CheckConfig;
  readonly #above = new Map<DockerfileNode, CheckConfig>();

  constructor(config: CheckConfig) {
    this.#config = config;
  }

  /** In the order of their lines. */
  get findings(): readonly Finding[] {
    return this.#findings.toSorted((left, right) => left.lines.start - right.lines.start);
  }

  report(rule: LintRule, place: Place, finding: Remedy & { readonly message: string }): void {
    const { node } = place;
    if (!isChecked(rule, [this.#config, this.#configAbove(node)])) return;
    const lines = place.lines ?? { start: node.line.startLine, end: node.line.endLine };
    this.#findings.push({ rule, lines, location: locationOf(place, lines), ...finding });
  }

  #configAbove(node: DockerfileNode): CheckConfig {
    let config = this.#above.get(node);
    if (config === undefined) {
      config = checkConfigAbove(node);
      this.#above.set(node, config);
    }
    return config;
  }
}

function locationOf({ node, range, at }: Place, lines: Finding['lines']): SourceLocation {
  const { source } = node.line;
  if (range !== undefined) return locationIn(node.line, range);
  if (at === undefined) return locationOfLines(source, lines.start, lines.end);
  const { start, end } = at;
  const endColumn = start.line === end.line ? end.column : (source.lines[start.line - 1] ?? '').length + 1;
  return { ...locationOfLines(source, start.line, end.line), column: start.column, endColumn };
}

/** For what is only gone over to learn of it. */
export function silentLinter(): Linter {
  return new Linter({ ...defaultCheckConfig, skip: 'all' });
}
