import type { DockerfileNode } from '../ast.ts';
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
    const { node, range } = place;
    if (!isChecked(rule, [this.#config, this.#configAbove(node)])) return;
    const lines = place.lines ?? { start: node.line.startLine, end: node.line.endLine };
    const location =
      range === undefined
        ? locationOfLines(node.line.source, lines.start, lines.end)
        : locationIn(node.line, range);
    this.#findings.push({ rule, lines, location, ...finding });
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

/** For what is only gone over to learn of it. */
export function silentLinter(): Linter {
  return new Linter({ ...defaultCheckConfig, skip: 'all' });
}
