import { expect } from 'chai';
import {
  alreadyExists,
  badRequest,
  conflict,
  expired,
  forbidden,
  invalid,
  notFound,
  type StatusError,
} from '../../src/api/status.ts';
import { invalidValue, required } from '../../src/api/validation/field-error.ts';

const pods = { resource: 'pods', group: '' };
const jobs = { resource: 'jobs', group: 'batch' };
const name = required('spec.a');
const value = invalidValue('spec.b[0]', 'x "y"', 'must not');

/** The error, its code, reason, message and details. */
const rows: readonly (readonly [StatusError, number, string, string, object | undefined])[] = [
  [notFound(pods, 'a'), 404, 'NotFound', 'pods "a" not found', { name: 'a', kind: 'pods' }],
  [
    notFound(jobs, 'a'),
    404,
    'NotFound',
    'jobs.batch "a" not found',
    { name: 'a', group: 'batch', kind: 'jobs' },
  ],
  [alreadyExists(pods, 'a'), 409, 'AlreadyExists', 'pods "a" already exists', { name: 'a', kind: 'pods' }],
  [
    conflict(pods, 'a'),
    409,
    'Conflict',
    'Operation cannot be fulfilled on pods "a": the object has been modified; please apply your changes to the latest version and try again',
    { name: 'a', kind: 'pods' },
  ],
  [
    conflict(pods, 'a', 'why'),
    409,
    'Conflict',
    'Operation cannot be fulfilled on pods "a": why',
    { name: 'a', kind: 'pods' },
  ],
  [forbidden(pods, 'a', 'why'), 403, 'Forbidden', 'pods "a" is forbidden: why', { name: 'a', kind: 'pods' }],
  [badRequest('why'), 400, 'BadRequest', 'why', undefined],
  [expired('why'), 410, 'Expired', 'why', undefined],
  [
    invalid('Pod', 'a', [name]),
    422,
    'Invalid',
    'Pod "a" is invalid: spec.a: Required value',
    { name: 'a', kind: 'Pod', causes: [name] },
  ],
  [
    invalid('Pod', 'a', [name, value]),
    422,
    'Invalid',
    'Pod "a" is invalid: [spec.a: Required value, spec.b[0]: Invalid value: "x \\"y\\"": must not]',
    { name: 'a', kind: 'Pod', causes: [name, value] },
  ],
];

describe('Status', () => {
  for (const [error, code, reason, message, details] of rows) {
    it(`${code} ${message.slice(0, 50)}`, () => {
      expect(JSON.parse(JSON.stringify(error.status))).to.deep.equal({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message,
        reason,
        ...(details === undefined ? {} : { details }),
        code,
      });
      expect(error.message).to.equal(message);
    });
  }
});
