/* Names and labels: apimachinery pkg/util/validation/validation.go, with its texts. Each tells all that is wrong. */

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const labelPattern = new RegExp(`^${label}$`);
const subdomainPattern = new RegExp(`^${label}(\\.${label})*$`);
const qualifiedPattern = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const qualifiedText =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** What is wrong with a name; nothing for a good one. */
export type NameCheck = (text: string) => readonly string[];

function tooLong(text: string, limit: number): readonly string[] {
  return text.length > limit ? [`must be no more than ${limit} characters`] : [];
}

/** A DNS label. */
export const wrongLabelName: NameCheck = text => {
  if (labelPattern.test(text)) return tooLong(text, 63);
  const why = subdomainPattern.test(text) ? 'must not contain dots' : labelText;
  return [...tooLong(text, 63), why];
};

/** A DNS subdomain, as which most objects are named. */
export const wrongSubdomain: NameCheck = text => [
  ...tooLong(text, 253),
  ...(subdomainPattern.test(text) ? [] : [subdomainText]),
];

/** The key of a label or an annotation: `[prefix/]name`. */
export const wrongQualifiedName: NameCheck = text => {
  const parts = text.split('/');
  if (parts.length > 2) {
    return [
      `a qualified name ${qualifiedText} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? parts[0] : undefined;
  const wrongPrefix =
    prefix === undefined ? [] : prefix === '' ? ['must be non-empty'] : wrongSubdomain(prefix);
  const wrongName = [
    ...(name === '' ? ['must be non-empty'] : tooLong(name, 63)),
    ...(qualifiedPattern.test(name) ? [] : [qualifiedText]),
  ];
  return [...wrongPrefix.map(why => `prefix part ${why}`), ...wrongName.map(why => `name part ${why}`)];
};

export const wrongLabelValue: NameCheck = text => [
  ...tooLong(text, 63),
  ...(text === '' || qualifiedPattern.test(text) ? [] : [labelValueText]),
];
