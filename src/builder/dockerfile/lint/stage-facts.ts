import { type Platform, parsePlatform } from '../../../image/platform.ts';
import { expandWord } from '../expand.ts';
import { locationIn } from '../source.ts';
import type { Program, Stage } from '../stages.ts';
import { findBaseStage } from '../stages.ts';

/** What FROM lines come to. */
export class StageFacts {
  readonly #program: Program;
  readonly #globals: ReadonlyMap<string, string>;
  readonly #platform: Platform;

  constructor(
    program: Program,
    options: { readonly globals: ReadonlyMap<string, string>; readonly platform: Platform },
  ) {
    this.#program = program;
    this.#globals = options.globals;
    this.#platform = options.platform;
  }

  imageOf({ from }: Pick<Stage, 'from'>): string {
    return this.#expand(from, from.image);
  }

  platformOf({ from }: Pick<Stage, 'from'>): Platform {
    return from.platform === undefined ? this.#platform : parsePlatform(this.#expand(from, from.platform));
  }

  isOnImage({ from }: Pick<Stage, 'from'>): boolean {
    const image = this.imageOf({ from });
    return image !== 'scratch' && findBaseStage(this.#program, image, from) === undefined;
  }

  #expand(from: Stage['from'], word: Stage['from']['image']): string {
    const location = () => locationIn(from.node.line, word);
    return expandWord(word.text, this.#globals, { escape: this.#program.dockerfile.escape, location }).text;
  }
}
