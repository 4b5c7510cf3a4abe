import { createHash } from 'node:crypto';
import { hawserVersion } from '../../../util/version.ts';
import { type Predicate, spdxPredicateType } from '../statement.ts';
import { type Distribution, type FoundPackage, packageUrlOf } from './found-package.ts';

export interface SpdxOptions {
  readonly packages: readonly FoundPackage[];
  readonly distribution: Distribution | undefined;
  /** What the reader should know of what is missing. */
  readonly notes: readonly string[];
  /** Of the image. */
  readonly name: string;
  readonly created: Date;
}

/** Words of an SPDX license expression; what is none goes along as it is, in a comment. */
const expression = /^[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*$/;

/** spdx.github.io/spdx-spec/v2.3. The same packages, name and time give the same document. */
export function spdxDocument(options: SpdxOptions): Predicate {
  const { name, distribution, created, notes } = options;
  const packages = sorted(options.packages).map(found => packageEntry(found, distribution));
  const content = createHash('sha256')
    .update(JSON.stringify([name, packages]))
    .digest('hex');
  const image = {
    name,
    SPDXID: 'SPDXRef-Image',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    primaryPackagePurpose: 'CONTAINER',
  };
  const value = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `https://spdx.org/spdxdocs/hawser/${content}`,
    creationInfo: {
      created: `${created.toISOString().slice(0, 19)}Z`,
      creators: ['Organization: hawser', `Tool: hawser-${hawserVersion}`],
    },
    ...(notes.length === 0 ? {} : { comment: notes.join('\n') }),
    packages: [image, ...packages],
    relationships: [
      relationship('SPDXRef-DOCUMENT', 'DESCRIBES', image.SPDXID),
      ...packages.map(({ SPDXID }) => relationship(image.SPDXID, 'CONTAINS', SPDXID)),
    ],
  };
  return { type: spdxPredicateType, value };
}

function sorted(packages: readonly FoundPackage[]): readonly FoundPackage[] {
  const keyOf = ({ type, name, version, from }: FoundPackage) => JSON.stringify([type, name, version, from]);
  return [...packages].sort((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1));
}

function relationship(spdxElementId: string, relationshipType: string, relatedSpdxElement: string) {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}

function packageEntry(found: FoundPackage, distribution: Distribution | undefined) {
  const { type, name, version, license, supplier, from } = found;
  const digest = createHash('sha256').update(JSON.stringify(found)).digest('hex').slice(0, 16);
  const isExpression = license !== undefined && expression.test(license);
  return {
    name,
    SPDXID: `SPDXRef-Package-${type}-${name.replaceAll(/[^A-Za-z0-9.-]/g, '-')}-${digest}`,
    versionInfo: version,
    ...(supplier === undefined ? {} : { supplier: `Organization: ${supplier}` }),
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    sourceInfo: `read from /${from}`,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: isExpression ? license : 'NOASSERTION',
    ...(license === undefined || isExpression ? {} : { licenseComments: license }),
    copyrightText: 'NOASSERTION',
    externalRefs: [
      {
        referenceCategory: 'PACKAGE-MANAGER',
        referenceType: 'purl',
        referenceLocator: packageUrlOf(found, distribution),
      },
    ],
  };
}
