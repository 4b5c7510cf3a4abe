import { expect } from 'chai';
import {
  errorOfAnswer,
  formatErrorBody,
  isWireErrorCode,
  parseErrorBody,
  statusOfErrorCode,
  type WireError,
} from '../../src/distribution/errors.ts';
import type { ErrorCode } from '../../src/errors/codes.ts';

const denied = { code: 'DENIED', message: 'no access', detail: { Action: 'pull' } };

/** Body, and the errors in it. */
const bodies: readonly (readonly [string, readonly WireError[]])[] = [
  [JSON.stringify({ errors: [denied] }), [denied]],
  [
    '{"errors":[{"code":"A"},{"code":"B","message":"b"}]}',
    [
      { code: 'A', message: '' },
      { code: 'B', message: 'b' },
    ],
  ],
  ['{"errors":[{"code":404,"message":"x","detail":null}]}', [{ code: '404', message: 'x', detail: null }]],
  ['{"errors":[{"code":"A","message":["not a text"]}]}', [{ code: 'A', message: '' }]],
  ['{"errors":[null,"x",7,[],{},{"message":"no code"}]}', []],
  ['{"errors":[{"code":{"toString":1,"valueOf":1}},{"code":"A"}]}', [{ code: 'A', message: '' }]],
  ['{"errors":{"code":"A"}}', []],
  ['{"errors":[]}', []],
  ['[]', []],
  ['null', []],
  ['"errors"', []],
  ['<html>502 Bad Gateway</html>', []],
  ['', []],
];

describe('error bodies of the registry', () => {
  for (const [text, errors] of bodies) {
    it(JSON.stringify(text), () => expect(parseErrorBody(text)).to.deep.equal(errors));
  }

  it('are read as they were written', () => {
    const errors = [denied, { code: 'UNKNOWN', message: 'a "quoted" text\n' }];
    expect(parseErrorBody(formatErrorBody(errors))).to.deep.equal(errors);
  });

  it('have statuses for the codes that go over the wire, and for no others', () => {
    expect(isWireErrorCode('BLOB_UNKNOWN')).to.equal(true);
    for (const code of ['INTERNAL', 'blob_unknown', 'constructor', '__proto__', ''])
      expect(isWireErrorCode(code), code).to.equal(false);
    expect(statusOfErrorCode('BLOB_UNKNOWN')).to.equal(404);
    expect(statusOfErrorCode('RANGE_INVALID')).to.equal(416);
  });
});

/** Status, body, and the error that a client raises. */
const answers: readonly (readonly [number, string, ErrorCode, string])[] = [
  [403, JSON.stringify({ errors: [denied] }), 'DENIED', 'no access'],
  [404, '{"errors":[{"code":"NAME_UNKNOWN"}]}', 'NAME_UNKNOWN', 'NAME_UNKNOWN'],
  [400, '{"errors":[{"code":"A","message":"a"},{"code":"B"}]}', 'REGISTRY_ERROR', 'a; B'],
  // A code of hawser's own that does not belong on the wire is not taken from there.
  [500, '{"errors":[{"code":"INTERNAL","message":"x"}]}', 'REGISTRY_ERROR', 'x'],
  [401, '', 'UNAUTHORIZED', 'status 401'],
  [404, '<html>', 'MANIFEST_UNKNOWN', 'status 404'],
  [413, '', 'SIZE_INVALID', 'status 413'],
  [429, 'slow down', 'TOOMANYREQUESTS', 'status 429'],
  [502, '<html>', 'UNAVAILABLE', 'status 502'],
  [418, '', 'REGISTRY_ERROR', 'status 418'],
];

describe('answers of a registry that nobody wanted', () => {
  for (const [status, body, code, said] of answers) {
    it(`${status} ${JSON.stringify(body)}`, () => {
      const error = errorOfAnswer({
        status,
        body,
        request: 'GET http://r/v2/',
        notFound: 'MANIFEST_UNKNOWN',
      });
      expect(error.code).to.equal(code);
      expect(error.message).to.equal(`GET http://r/v2/: ${said}`);
      expect(error.detail).to.deep.equal({ status, errors: parseErrorBody(body) });
    });
  }

  it('a 404 that may mean many things', () => {
    expect(errorOfAnswer({ status: 404, body: '', request: 'GET x' }).code).to.equal('REGISTRY_ERROR');
  });
});
