import { readFile, writeFile } from 'node:fs/promises';
import { type ErrorCode, errorCodes, exitCodeOf } from '../src/errors/codes.ts';

/** The text of docs/errors.md, from the code table. */
export function errorsDocument(): string {
  const rows = (Object.keys(errorCodes) as ErrorCode[]).map(code => {
    const { summary, remedy } = errorCodes[code];
    return `| \`${code}\` | ${summary} | ${remedy} | ${exitCodeOf(code)} |`;
  });
  return [
    '# Error codes',
    '',
    'Generated from `src/errors/codes.ts` by `npm run docs:errors`; a test keeps both equal.',
    'Each message names what was tried and the value, and ends with the next step and one of these codes.',
    '',
    '| code | meaning | remedy in general | exit code |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

const path = new URL('../docs/errors.md', import.meta.url);

/** Whether docs/errors.md holds what the table says. */
export async function isErrorsDocumentCurrent(): Promise<boolean> {
  return (await readFile(path, 'utf8')) === errorsDocument();
}

if (process.argv[1]?.endsWith('errors-doc.ts') === true) await writeFile(path, errorsDocument());
