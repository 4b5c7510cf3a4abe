import type { FieldPath } from './decode.ts';

interface Level {
  /** Names of an object that were seen; undefined for a list. */
  readonly names: Set<string> | undefined;
  /** Where the value that comes next stands. */
  place: string | number;
}

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},:]|[^\s"[\]{},:]+/g;

/** Fields that a text of valid JSON has more than once in one object: a parser keeps only the last of them. */
export function findDuplicateFields(text: string): readonly FieldPath[] {
  const found: FieldPath[] = [];
  const levels: Level[] = [];
  let isName = false;
  for (const [token] of text.matchAll(tokens)) {
    const level = levels.at(-1);
    if (token === '{') levels.push({ names: new Set(), place: '' });
    else if (token === '[') levels.push({ names: undefined, place: 0 });
    else if (token === '}' || token === ']') levels.pop();
    else if (token === ',' && typeof level?.place === 'number') level.place++;
    else if (isName && level?.names !== undefined && token !== ',') {
      const name = JSON.parse(token) as string;
      level.place = name;
      if (level.names.has(name)) found.push(levels.map(({ place }) => place));
      level.names.add(name);
    }
    const inObject = levels.at(-1)?.names !== undefined;
    isName = inObject && (token === '{' || token === ',');
  }
  return found;
}
