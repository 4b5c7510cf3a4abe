import { expect } from 'chai';
import { parseFieldSelector, parseLabelSelector } from '../../src/api/selectors.ts';
import { statusThrownBy } from './support.ts';

const labels = { app: 'web', tier: 'front', empty: '', replicas: '3', 'example.com/role': 'a' };

/** Selector, and whether it selects the labels above. */
const rows: readonly (readonly [string, boolean])[] = [
  ['', true],
  [' ', true],
  ['app=web', true],
  ['app==web', true],
  ['app = web', true],
  ['app=other', false],
  ['app!=web', false],
  ['app!=other', true],
  ['missing!=web', true],
  ['missing=', false],
  ['empty=', true],
  ['empty!=', false],
  ['app', true],
  ['missing', false],
  ['!app', false],
  ['! missing', true],
  ['app in (web,other)', true],
  ['app in(web)', true],
  ['app in ( other , more )', false],
  ['missing in (web)', false],
  ['app notin (web)', false],
  ['app notin (other)', true],
  ['missing notin (web)', true],
  ['empty in (,x)', true],
  ['empty in ()', true],
  ['app=web,tier=front', true],
  ['app=web, tier in (front, back), !missing', true],
  ['app=web,tier=back', false],
  ['replicas>2', true],
  ['replicas > 3', false],
  ['replicas<4', true],
  ['app>1', false],
  ['missing<1', false],
  ['in in (in)', false],
  ['example.com/role=a', true],
  // What every JavaScript object has is no label.
  ['constructor', false],
  ['!toString', true],
  ['constructor!=a', true],
];

/** Selector, and what is said of it. */
const wrong: readonly (readonly [string, RegExp])[] = [
  [',', /found ',', expected: !, identifier/],
  ['app=web,', /found '', expected: !, identifier/],
  ['app,,tier', /found ',', expected: !, identifier/],
  ['=web', /found '=', expected: !, identifier/],
  ['app=a=b', /found '=', expected: ',' or 'end of string'/],
  ['app web', /found 'web', expected: in, notin, =, ==, !=, gt, lt/],
  ['app in web', /found 'web', expected: '\('/],
  ['app in (web', /found '', expected: ',' or '\)'/],
  ['app in (web))', /found '\)', expected: ',' or 'end of string'/],
  ['(app)', /found '\(', expected: !, identifier/],
  ['!!app', /found '!', expected: !, identifier/],
  ['!app=web', /found '=', expected: ',' or 'end of string'/],
  ['app=-web', /"-web": a valid label must be an empty string/],
  [`app=${'a'.repeat(64)}`, /must be no more than 63 characters/],
  ['-app=web', /"-app": name part must consist of/],
  ['a/b/c=d', /a qualified name must consist of/],
  ['replicas>many', /"many": for '>' and '<' the value must be an integer/],
  ['replicas<', /the value must be an integer/],
];

describe('label selectors', () => {
  for (const [text, expected] of rows) {
    it(`${JSON.stringify(text)}: ${expected}`, () =>
      expect(parseLabelSelector(text)(labels)).to.equal(expected));
  }
  for (const [text, message] of wrong) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      const status = statusThrownBy(() => parseLabelSelector(text));
      expect(status).to.include({ code: 400, reason: 'BadRequest' });
      expect(status.message).to.match(message);
    });
  }
});

const fields = { 'metadata.name': 'a', 'status.phase': 'Running', 'spec.nodeName': '', reason: 'a,b=c\\d' };

const fieldRows: readonly (readonly [string, boolean])[] = [
  ['', true],
  ['metadata.name=a', true],
  ['metadata.name==a', true],
  ['metadata.name!=a', false],
  ['metadata.name!=b', true],
  ['metadata.name=a,status.phase!=Pending', true],
  ['metadata.name=a,status.phase=Pending', false],
  ['spec.nodeName=', true],
  ['spec.nodeName!=', false],
  [',metadata.name=a,', true],
  ['reason=a\\,b\\=c\\\\d', true],
  ['metadata.name=(', false],
];

const wrongFields: readonly (readonly [string, string])[] = [
  ['metadata.name', "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
  ['status.podIP=a', 'field label not supported: status.podIP'],
  ['constructor=a', 'field label not supported: constructor'],
  ['=a', 'field label not supported: '],
  ['metadata.name=a=b', 'invalid field selector: "a=b" has an escape or a character that is not allowed'],
  ['metadata.name=a\\b', 'invalid field selector: "a\\\\b" has an escape or a character that is not allowed'],
  ['metadata.name=a\\', 'invalid field selector: "a\\\\" has an escape or a character that is not allowed'],
];

describe('field selectors', () => {
  const known = Object.keys(fields);
  for (const [text, expected] of fieldRows) {
    it(`${JSON.stringify(text)}: ${expected}`, () => {
      expect(parseFieldSelector(text, known)(fields)).to.equal(expected);
    });
  }
  for (const [text, message] of wrongFields) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const status = statusThrownBy(() => parseFieldSelector(text, known));
      expect(status).to.include({ code: 400, message });
    });
  }
});
