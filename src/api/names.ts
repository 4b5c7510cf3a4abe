/* Names and labels: apimachinery pkg/util/validation/validation.go, with its texts. */

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const labelPattern = new RegExp(`^${label}$`);
const subdomainPattern = new RegExp(`^${label}(\\.${label})*$`);
const qualifiedPattern = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const qualifiedText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** What is wrong with a DNS label; undefined for nothing. */
export function wrongLabelName(text: string): string | undefined {
  if (text.length > 63) return 'must be no more than 63 characters';
  return labelPattern.test(text) ? undefined : labelText;
}

/** What is wrong with a DNS subdomain, as which most objects are named. */
export function wrongSubdomain(text: string): string | undefined {
  if (text.length > 253) return 'must be no more than 253 characters';
  return subdomainPattern.test(text) ? undefined : subdomainText;
}

/** What is wrong with the key of a label or an annotation: `[prefix/]name`. */
export function wrongQualifiedName(text: string): string | undefined {
  const parts = text.split('/');
  if (parts.length > 2) return "a qualified name must consist of alphanumeric characters, '-', '_' or '.'";
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (prefix !== undefined && (prefix === '' || wrongSubdomain(prefix) !== undefined)) {
    return `prefix part ${prefix === '' ? 'must be non-empty' : subdomainText}`;
  }
  if (name === '') return 'name part must be non-empty';
  if (name.length > 63) return 'name part must be no more than 63 characters';
  return qualifiedPattern.test(name) ? undefined : qualifiedText;
}

export function wrongLabelValue(text: string): string | undefined {
  if (text.length > 63) return 'must be no more than 63 characters';
  return text === '' || qualifiedPattern.test(text) ? undefined : labelValueText;
}
