import { compareNames, textStyle } from './yaml-style.ts';

/** Kept for texts that YAML 1.2 reads as numbers: go-yaml knows both. */
const octal = /^[-+]?0o[0-7_]+$/;

/** YAML as kubectl writes it. */
export async function yamlText(value: unknown): Promise<string> {
  const { Document, Scalar, visit } = await import('yaml');
  const document = new Document(value, {
    version: '1.1',
    sortMapEntries: (a, b) => compareNames(String(a.key), String(b.key)),
    aliasDuplicateObjects: false,
  });
  const { tags } = document.schema;
  const isPlainText = (text: string) =>
    !octal.test(text) &&
    !tags.some(tag => tag.default === true && 'test' in tag && tag.test?.test(text) === true);
  const types = {
    plain: Scalar.PLAIN,
    single: Scalar.QUOTE_SINGLE,
    double: Scalar.QUOTE_DOUBLE,
    literal: Scalar.BLOCK_LITERAL,
  } as const;
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string') node.type = types[textStyle(node.value, isPlainText)];
    },
  });
  return document.toString({ indentSeq: false, lineWidth: 0, singleQuote: true });
}
