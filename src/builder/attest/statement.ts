import type { Digest } from '../../image/digest.ts';
import { digestHex } from '../../image/digest.ts';
import { formatPlatform, type Platform } from '../../image/platform.ts';
import { familiarReference, parseReference } from '../../image/reference.ts';

export const slsaPredicateType = 'https://slsa.dev/provenance/v1';
export const spdxPredicateType = 'https://spdx.dev/Document';

/** What is said of an image, before it is known what its digest is. */
export interface Predicate {
  readonly type: string;
  readonly value: object;
}

/** `pkg:docker/NAME@TAG?platform=…`: package-url, type docker, as BuildKit writes it. */
export function packageUrl(name: string, platform: Platform): string {
  const reference = parseReference(name);
  const { domain, path } = reference;
  const version = reference.tag ?? reference.digest ?? 'latest';
  const familiar = familiarReference({ domain, path });
  return `pkg:docker/${familiar}@${version}?platform=${encodeURIComponent(formatPlatform(platform))}`;
}

/** An in-toto statement v1: github.com/in-toto/attestation, spec/v1/statement.md */
export function statementOf(
  predicate: Predicate,
  subject: { readonly digest: Digest; readonly names: readonly string[]; readonly platform: Platform },
): object {
  const digest = { sha256: digestHex(subject.digest) };
  const names = subject.names.map(name => packageUrl(name, subject.platform));
  return {
    _type: 'https://in-toto.io/Statement/v1',
    // Without a name the statement is of the content alone.
    subject: (names.length === 0 ? ['_'] : names).map(name => ({ name, digest })),
    predicateType: predicate.type,
    predicate: predicate.value,
  };
}
