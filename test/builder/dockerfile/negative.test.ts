import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { dockerfileText } from '../../../src/builder/dockerfile/parse.ts';
import { requireBuiltInFrontend } from '../../../src/builder/dockerfile/syntax.ts';
import type { ErrorCode } from '../../../src/errors/codes.ts';
import { isHawserError } from '../../../src/errors/hawser-error.ts';
import { planOf } from './plan.ts';

const folder = join(import.meta.dirname, '../../../fixtures/dockerfiles-negative');

interface Expected {
  readonly code: ErrorCode;
  readonly line: number;
  readonly column?: number;
  readonly message: string;
}

/** What reading and planning the file comes to. */
async function errorOf(text: string): Promise<unknown> {
  try {
    requireBuiltInFrontend(text, { file: 'Dockerfile' });
    await planOf(text);
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
      const caught = await errorOf(text);
      if (!isHawserError(caught, expected.code)) throw caught;
      expect(caught.message).to.contain(expected.message);
      expect(caught.location?.file).to.equal('Dockerfile');
      expect([caught.location?.line, caught.location?.column]).to.deep.equal([
        expected.line,
        expected.column,
      ]);
      expect(caught.remedy, 'remedy').to.be.a('string');
      const lines = text.split('\n');
      const excerpt = caught.location?.excerpt ?? [];
      if (name !== 'long-line' && name !== 'empty') expect(excerpt[0]).to.equal(lines[expected.line - 1]);
    });
  }
});
