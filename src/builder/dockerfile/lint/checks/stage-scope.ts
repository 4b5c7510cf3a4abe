import type { ContainerConfig } from '../../../../image/config.ts';
import { nearest } from '../../../../util/nearest.ts';
import type { DockerfileNode, EscapeToken } from '../../ast.ts';
import { expandText, expandWord } from '../../expand.ts';
import type { Expansion } from '../../expander.ts';
import type { Word } from '../../source.ts';
import { locationIn } from '../../source.ts';
import { buildChecks } from '../build-checks.ts';
import { type Linter, silentLinter } from '../linter.ts';
import { renameVariable } from './rename-variable.ts';

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What is known at a line of a stage. */
export class StageScope {
  readonly variables: Map<string, string>;
  /** ARG lines so far, with a value or without. */
  readonly declared: Set<string>;
  /** A WORKDIR stands in this file already. */
  workdirSet = false;
  /** Shell forms do not go to the default shell. */
  shellSet: boolean;
  /** Whether all variables of the base image are known. */
  readonly isCertain: boolean;
  readonly escape: EscapeToken;

  private constructor(options: {
    readonly escape: EscapeToken;
    readonly variables: Iterable<readonly [string, string]>;
    readonly declared: Iterable<string>;
    readonly isCertain: boolean;
    readonly shellSet: boolean;
  }) {
    this.escape = options.escape;
    this.variables = new Map(options.variables);
    this.declared = new Set(options.declared);
    this.isCertain = options.isCertain;
    this.shellSet = options.shellSet;
  }

  /** @param base Undefined where nothing is known of the image. */
  static onImage(base: ContainerConfig | undefined, escape: EscapeToken): StageScope {
    const entries = (base?.Env ?? []).map((entry): [string, string] => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    });
    return new StageScope({
      escape,
      variables: [['PATH', defaultPath], ...entries],
      declared: [],
      isCertain: base !== undefined,
      shellSet: (base?.Shell ?? []).length > 0,
    });
  }

  static onStage(parent: StageScope): StageScope {
    const scope = new StageScope({
      escape: parent.escape,
      variables: parent.variables,
      declared: parent.declared,
      isCertain: parent.isCertain,
      shellSet: parent.shellSet,
    });
    scope.workdirSet = parent.workdirSet;
    return scope;
  }

  /** The value of a word, undefined where it cannot be known; tells of variables that nothing defines. */
  expand(node: DockerfileNode, word: Word, linter: Linter): Expansion | undefined {
    const location = () => locationIn(node.line, word);
    return this.#checked(node, word, linter, () =>
      expandWord(word.text, this.variables, { escape: this.escape, location }),
    );
  }

  /** The same, without telling of anything. */
  peek(node: DockerfileNode, word: Word): Expansion | undefined {
    return this.expand(node, word, silentLinter());
  }

  /** The body of a heredoc. */
  expandBody(node: DockerfileNode, text: string, linter: Linter): void {
    const location = () => locationIn(node.line);
    this.#checked(node, undefined, linter, () => expandText(text, this.variables, { location }));
  }

  #checked(
    node: DockerfileNode,
    word: Word | undefined,
    linter: Linter,
    expand: () => Expansion,
  ): Expansion | undefined {
    let expansion: Expansion;
    try {
      expansion = expand();
    } catch (error) {
      // `${NAME:?}` of a variable that the base image may well have is no error
      if (!this.isCertain) return undefined;
      throw error;
    }
    for (const name of expansion.unset) this.#report(node, { word, name }, linter);
    const isKnown = this.isCertain || [...expansion.unset].every(name => this.declared.has(name));
    return isKnown ? expansion : undefined;
  }

  #report(
    node: DockerfileNode,
    use: { readonly word: Word | undefined; readonly name: string },
    linter: Linter,
  ): void {
    const { word, name } = use;
    if (this.declared.has(name)) return;
    const near = nearest(name, this.variables.keys());
    // the base image may define it; only a slip of a known name is told then
    if (!this.isCertain && near === undefined) return;
    const rename =
      near === undefined || word === undefined ? undefined : renameVariable(node, { word, name, to: near });
    linter.report(
      buildChecks.undefinedVar,
      { node, range: word },
      {
        message: `Usage of undefined variable '$${name}'${near === undefined ? '' : ` (did you mean $${near}?)`}`,
        ...(rename ?? { hint: 'Define it above:', mended: [`ARG ${name}`] }),
      },
    );
  }
}
