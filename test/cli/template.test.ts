import { expect } from 'chai';
import { formatTemplate } from '../../src/cli/template.ts';
import { isHawserError } from '../../src/errors/hawser-error.ts';

const value = { ID: 'abc', Config: { Env: ['A=1', 'B=2'], Labels: { k: 'v' }, Cmd: null }, Size: 7 };
const rows: readonly (readonly [string, string])[] = [
  ['{{.ID}}', 'abc'],
  ['{{.id}}:{{ .Size }}', 'abc:7'],
  ['{{json .Config.Env}}', '["A=1","B=2"]'],
  ['{{.Config.Env}}', '[A=1 B=2]'],
  ['{{.Config.Labels}}', 'map[k:v]'],
  ['{{index .Config.Labels "k"}}', 'v'],
  ['{{index .Config.Env 1}}', 'B=2'],
  ['{{join .Config.Env ","}}', 'A=1,B=2'],
  ['{{range .Config.Env}}<{{.}}>{{end}}', '<A=1><B=2>'],
  ['{{if .Config.Cmd}}yes{{else}}no{{end}}', 'no'],
  ['{{len .Config.Env}}', '2'],
  ['a {{- .ID -}} b', 'aabcb'],
  ['{{.Config.Nothing}}', '<no value>'],
  ['{{.ID}}\\t{{upper .ID}}', 'abc\tABC'],
];
const wrong = ['{{.Nope}}', '{{range .Config.Env}}', '{{end}}', '{{frob .ID}}', '{{.ID'];

describe('formatTemplate', () => {
  for (const [template, expected] of rows) {
    it(template, () => expect(formatTemplate(template, value)).to.equal(expected));
  }
  for (const template of wrong) {
    it(`refuses ${template}`, () => {
      let thrown: unknown;
      try {
        formatTemplate(template, value);
      } catch (error) {
        thrown = error;
      }
      expect(isHawserError(thrown, 'INVALID_ARGUMENT')).to.equal(true);
    });
  }
});
