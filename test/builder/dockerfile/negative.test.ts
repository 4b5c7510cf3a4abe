import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseDockerfile } from '../../../src/builder/dockerfile/parse.ts';
import { parseProgram } from '../../../src/builder/dockerfile/stages.ts';
import { isHawserError } from '../../../src/errors/hawser-error.ts';

const folder = join(import.meta.dirname, '../../../fixtures/dockerfiles-negative');

interface Expected {
  readonly code: 'DOCKERFILE_INVALID';
  readonly line: number;
  readonly column?: number;
  readonly message: string;
}

describe('refused Dockerfiles', () => {
  for (const name of readdirSync(folder)) {
    it(name, () => {
      const expected = JSON.parse(readFileSync(join(folder, name, 'expected.json'), 'utf8')) as Expected;
      const text = readFileSync(join(folder, name, 'Dockerfile'));
      let caught: unknown;
      try {
        parseProgram(parseDockerfile(text, { file: 'Dockerfile' }));
      } catch (error) {
        caught = error;
      }
      if (!isHawserError(caught, expected.code)) throw caught ?? new Error('it was accepted');
      expect(caught.message).to.contain(expected.message);
      expect(caught.location?.file).to.equal('Dockerfile');
      expect([caught.location?.line, caught.location?.column]).to.deep.equal([
        expected.line,
        expected.column,
      ]);
      expect(caught.remedy, 'remedy').to.be.a('string');
      const lines = text.toString().split('\n');
      const excerpt = caught.location?.excerpt ?? [];
      if (name !== 'long-line' && name !== 'empty') expect(excerpt[0]).to.equal(lines[expected.line - 1]);
    });
  }
});
