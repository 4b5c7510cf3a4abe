import { configError } from './config-node.ts';
import {
  boolean,
  list,
  oneOf,
  optionalSection,
  refine,
  refused,
  requiredText,
  section,
  text,
} from './readers.ts';

/** RFC 7518 section 3.1 and RFC 8037; what registry:2 and 3 take, without `none` and shared secrets. */
const algorithms = [
  'EdDSA',
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
] as const;

export type SigningAlgorithm = (typeof algorithms)[number];

const algorithm = refine(requiredText, (name, node): SigningAlgorithm => {
  const found = algorithms.find(each => each === name);
  if (found !== undefined) return found;
  throw configError(
    node,
    `there is no signing algorithm ${JSON.stringify(name)}`,
    `Known: ${algorithms.join(', ')}.`,
  );
});

const token = refine(
  optionalSection({
    realm: text(''),
    service: requiredText,
    issuer: requiredText,
    rootcertbundle: text(''),
    jwks: text(''),
    signingalgorithms: list(algorithm),
    autoredirect: boolean(false),
    autoredirectpath: text('/auth/token'),
  }),
  (value, node) => {
    if (value === undefined) return undefined;
    if (value.realm === '' && !value.autoredirect) throw configError(node, 'realm must be set');
    if (value.rootcertbundle === '' && value.jwks === '') {
      throw configError(node, 'rootcertbundle or jwks must be set: nobody could be believed');
    }
    const signing = value.signingalgorithms.length === 0 ? algorithms : value.signingalgorithms;
    return { ...value, signingalgorithms: signing };
  },
);

const readAuth = section({
  htpasswd: optionalSection({ realm: requiredText, path: requiredText }),
  token,
  silly: refused('it lets in whoever sends any Authorization header', 'Use htpasswd or token.'),
  none: optionalSection({}),
});

/** `auth`: at most one way. */
export const authSection: typeof readAuth = (node, context) => {
  const word = oneOf(['none', 'htpasswd', 'token', 'silly'], undefined);
  if (node.value.kind === 'scalar') {
    if (word(node, context) === 'none') return readAuth({ ...node, value: { kind: 'nothing' } }, context);
    throw configError(node, `${node.value.text} needs parameters`);
  }
  if (node.value.kind === 'map' && node.value.entries.size > 1) {
    throw configError(
      node,
      `there are two ways, ${[...node.value.entries.keys()].join(' and ')}`,
      'Keep one of them.',
    );
  }
  return readAuth(node, context);
};
