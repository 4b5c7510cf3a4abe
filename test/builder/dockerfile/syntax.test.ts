import { expect } from 'chai';
import { detectSyntax, requireBuiltInFrontend } from '../../../src/builder/dockerfile/syntax.ts';
import { isHawserError } from '../../../src/errors/hawser-error.ts';

const detected: readonly (readonly [string, string | undefined, number?])[] = [
  ['# syntax=docker/dockerfile:1\nFROM a', 'docker/dockerfile:1', 1],
  ['#SYNTAX = docker/dockerfile:1 // the newest\nFROM a', 'docker/dockerfile:1', 1],
  ['\ufeff# syntax=x\r\nFROM a', 'x', 1],
  ['#!/usr/bin/env x\n# syntax=x\nFROM a', 'x', 2],
  ['# check=skip=all\n# escape=`\n# syntax=x\n', 'x', 3],
  ['// syntax=x\n{}', 'x', 1],
  ['#!/x\n//syntax = x', 'x', 2],
  ['{"syntax": "x", "other": "y"}', 'x', 1],
  ['#!/x\n \n{"syntax": "x"}\n', 'x', 2],
  ['{"syntax": "x", "number": 1}', undefined],
  ['{"syntax": "x"} more', undefined],
  ['["syntax"]', undefined],
  ['# a comment\n# syntax=x', undefined],
  ['# foo=bar\n# syntax=x', undefined],
  ['\n# syntax=x', undefined],
  ['# syntax=\nFROM a', undefined],
  ['FROM a\n# syntax=x', undefined],
  ['', undefined],
];

const accepted: readonly (readonly [string, string?])[] = [
  ['FROM a'],
  ['# syntax=docker/dockerfile:1.7-labs\nFROM a'],
  ['# syntax=registry.example.com:5000/mirror/dockerfile:1@sha256:00\nFROM a'],
  ['# syntax=docker/dockerfile-upstream:master\nFROM a'],
  ['# syntax=other/frontend\nFROM a', 'dockerfile.v0'],
  ['# syntax=other/frontend\nFROM a', 'docker/dockerfile:1'],
];

describe('the syntax directive', () => {
  for (const [text, image, line] of detected) {
    it(JSON.stringify(text), () =>
      expect(detectSyntax(text)).to.deep.equal(image === undefined ? undefined : { image, line }),
    );
  }

  for (const [text, override] of accepted) {
    it(`builds ${JSON.stringify(text)}${override === undefined ? '' : ` with ${override}`}`, () =>
      requireBuiltInFrontend(text, { file: 'Dockerfile', override }));
  }

  it('refuses a file for another frontend, at its line', () => {
    for (const [text, line, override] of [
      ['# check=skip=all\n# syntax=other/frontend:1\nFROM a', 2, undefined],
      ['{"syntax": "other/frontend:1"}', 1, undefined],
      ['FROM a', 1, 'other/frontend:1'],
    ] as const) {
      try {
        requireBuiltInFrontend(text, { file: 'Dockerfile', override });
        expect.fail('accepted');
      } catch (error) {
        if (!isHawserError(error, 'DOCKERFILE_INVALID')) throw error;
        expect(error.message).to.contain('"other/frontend:1"');
        expect(error.location?.line).to.equal(line);
        expect(error.remedy).to.contain('BUILDKIT_SYNTAX');
      }
    }
  });
});
