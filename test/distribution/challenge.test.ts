import { expect } from 'chai';
import { type Challenge, formatChallenge, parseChallenges } from '../../src/distribution/challenge.ts';

const bearer = {
  realm: 'https://auth.example/token',
  service: 'registry.example',
  scope: 'repository:a:pull',
};

/** Header, and its challenges. */
const rows: readonly (readonly [string | undefined, readonly Challenge[]])[] = [
  [undefined, []],
  ['', []],
  ['Basic', [{ scheme: 'basic', parameters: {} }]],
  ['Basic realm="a registry"', [{ scheme: 'basic', parameters: { realm: 'a registry' } }]],
  ['BASIC REALM=plain', [{ scheme: 'basic', parameters: { realm: 'plain' } }]],
  [
    'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a:pull"',
    [{ scheme: 'bearer', parameters: bearer }],
  ],
  [
    'Bearer realm = "https://auth.example/token" , service="registry.example",  scope="repository:a:pull"',
    [{ scheme: 'bearer', parameters: bearer }],
  ],
  [
    'Bearer scope="repository:a:pull,push"',
    [{ scheme: 'bearer', parameters: { scope: 'repository:a:pull,push' } }],
  ],
  ['Basic realm="a \\"b\\" \\\\"', [{ scheme: 'basic', parameters: { realm: 'a "b" \\' } }]],
  ['Basic realm=""', [{ scheme: 'basic', parameters: { realm: '' } }]],
  [
    'Negotiate, Bearer realm="r", Basic realm="b"',
    [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'bearer', parameters: { realm: 'r' } },
      { scheme: 'basic', parameters: { realm: 'b' } },
    ],
  ],
  // Empty elements of a list count for nothing: RFC 9110 section 5.6.1.2.
  [
    ', ,Basic realm="a",, ,charset="UTF-8"',
    [{ scheme: 'basic', parameters: { realm: 'a', charset: 'UTF-8' } }],
  ],
  // A parameter that no scheme has.
  ['realm="a"', []],
  // What follows an open quotation mark is not read.
  ['Basic realm="open, Bearer realm=x', [{ scheme: 'basic', parameters: {} }]],
  ['Basic \u0000', [{ scheme: 'basic', parameters: {} }]],
];

const hostile: readonly (readonly [string, string])[] = [
  ['blanks', ' '.repeat(100_000)],
  ['commas', ','.repeat(100_000)],
  ['an open quotation mark', `Basic realm="${'a'.repeat(100_000)}`],
  ['escapes', `Basic realm="${'\\'.repeat(100_000)}`],
  ['tokens', 'a '.repeat(50_000)],
];

describe('challenges', () => {
  for (const [header, challenges] of rows) {
    it(JSON.stringify(header) ?? 'no header', () => {
      expect(parseChallenges(header)).to.deep.equal(challenges);
    });
  }

  it('reads what it writes', () => {
    const values: readonly Challenge[] = [
      { scheme: 'basic', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'a "quoted" \\ name' } },
      { scheme: 'bearer', parameters: bearer },
    ];
    for (const value of values) expect(parseChallenges(formatChallenge(value))).to.deep.equal([value]);
    expect(formatChallenge({ scheme: 'bearer', parameters: { realm: 'x', service: 'y' } })).to.equal(
      'Bearer realm="x",service="y"',
    );
    const both = values.map(formatChallenge).join(', ');
    expect(parseChallenges(both)).to.deep.equal(values);
  });

  it('gives no way to the prototype of objects', () => {
    const [challenge] = parseChallenges('Basic __proto__="x", constructor="y"');
    expect(Object.getPrototypeOf(challenge?.parameters)).to.equal(Object.prototype);
    expect(challenge?.parameters['constructor']).to.equal('y');
  });

  for (const [title, header] of hostile) {
    it(`ends with ${title} without end`, () => {
      expect(parseChallenges(header).length).to.be.lessThan(5000);
    });
  }
});
