import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { dockerfileText } from '../../../src/builder/dockerfile/parse.ts';
import { requireBuiltInFrontend } from '../../../src/builder/dockerfile/syntax.ts';
import { type ErrorCode, errorCodes } from '../../../src/errors/codes.ts';
import { isHawserError } from '../../../src/errors/hawser-error.ts';
import { planOf } from './plan.ts';

const folder = join(import.meta.dirname, '../../../fixtures/dockerfiles-negative');

interface Expected {
  readonly code: ErrorCode;
  readonly line: number;
  readonly column?: number;
  readonly message: string;
  /** What the remedy says, where the case is about it. */
  readonly remedy?: string;
  /** Images that nobody has. */
  readonly missing?: readonly string[];
}

/** What reading and planning the file comes to. */
async function errorOf(text: string, missing: readonly string[] = []): Promise<unknown> {
  try {
    requireBuiltInFrontend(text, { file: 'Dockerfile' });
    await planOf(text, { missing });
  } catch (error) {
    return error;
  }
  return new Error('it was accepted');
}

describe('refused Dockerfiles', () => {
  for (const name of readdirSync(folder)) {
    it(name, async () => {
      const expected = JSON.parse(readFileSync(join(folder, name, 'expected.json'), 'utf8')) as Expected;
      const text = dockerfileText(readFileSync(join(folder, name, 'Dockerfile')));
      const caught = await errorOf(text, expected.missing);
      if (!isHawserError(caught, expected.code)) throw caught;
      expect(caught.message).to.contain(expected.message);
      expect(caught.location?.file).to.equal('Dockerfile');
      expect([caught.location?.line, caught.location?.column]).to.deep.equal([
        expected.line,
        expected.column,
      ]);
      expect(caught.remedy ?? errorCodes[caught.code].remedy).to.contain(expected.remedy ?? '');
      const lines = text.split('\n');
      const excerpt = caught.location?.excerpt ?? [];
      if (name !== 'long-line' && name !== 'empty') expect(excerpt[0]).to.equal(lines[expected.line - 1]);
    });
  }
});
