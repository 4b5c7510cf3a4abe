import type { Program } from '../stages.ts';
import { descriptionOf } from './description.ts';

/** A stage that can be built, as `--call=targets` lists it. */
export interface Target {
  readonly name?: string;
  /** What is built without `--target`. */
  readonly isDefault: boolean;
  readonly description?: string;
  /** As FROM has it, variables and all. */
  readonly base: string;
  readonly platform?: string;
  readonly lines: { readonly start: number; readonly end: number };
}

export function targetsOf({ stages }: Program): readonly Target[] {
  return stages.map(({ name, from, index }) => {
    const { node, image, platform } = from;
    const description = descriptionOf(node, name ?? '');
    return {
      ...(name === undefined ? {} : { name }),
      isDefault: index === stages.length - 1,
      ...(description === undefined ? {} : { description }),
      base: image.text,
      ...(platform === undefined ? {} : { platform: platform.text }),
      lines: { start: node.line.startLine, end: node.line.endLine },
    };
  });
}
