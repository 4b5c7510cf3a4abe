// Prints which tests try which of the known traps of Dockerfile builders: `npx tsx scripts/traps.ts`.
import { readdirSync, readFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../test', import.meta.url));

/**
 * Number of a trap → its tests, as `file: title`: the first word of `it`, or the name of a case in a table.
 *
 * @param pattern What names a trap in a title, with the number as its group: those of registries' clients are `client trap #1`
 */
export function testsByTrap(pattern = /\btrap (\d{1,2})\b/g): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>();
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.test.ts') || name.includes('/cases/'))
    .sort();
  for (const name of files) {
    const text = readFileSync(`${root}/${name}`, 'utf8');
    const titles = text.matchAll(/(?:\b(?:it|describe)\(|\bname:|\[)\s*(['"`])((?:\\.|(?!\1).)*)\1/gs);
    for (const [, , title = ''] of titles) {
      for (const [, number] of title.matchAll(pattern)) {
        const tests = found.get(Number(number)) ?? [];
        tests.push(`${name}: ${title}`);
        found.set(Number(number), tests);
      }
    }
  }
  return found;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const sorted = [...testsByTrap()].sort(([a], [b]) => a - b);
  for (const [number, tests] of sorted)
    console.log(`| ${number} | ${tests.join('<br>').replaceAll('|', '\\|')} |`);
}
