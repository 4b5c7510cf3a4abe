import type { RepositoryName, Tag } from '../../distribution/names.ts';
import { type Digest, digestAlgorithm, digestHex } from '../../image/digest.ts';
import type { UploadID } from './upload-id.ts';

/*
 * The layout of registry:2 (distribution/distribution registry/storage/paths.go, the same from v2.0 to v3.1). Every path
 * is built here, from parsed values only. Some files are ours, in places where registry:2 does not look:
 *
 *   blobs/sha512/<hex[0:2]>/<hex>/link   the sha256 digest of a blob that was pushed by its sha512; registry:2 reads
 *                                        files named `data` in blobs/ and nothing else
 *   _hawser/tmp/<…>                      files that are being written, until they get their names
 *   _hawser/referrers/<name>/_<alg>/<hex>  what an upstream registry listed last
 *   _hawser/spent/<uuid>                 folders of uploads that were, for the next ones
 *   _hawser/trash/<uuid>                 what is being removed; a crash leaves garbage here and nowhere else
 *   _hawser/events/<endpoint>/<…>.json   events that wait to be sent
 *   _hawser/ballast                      what makes room for a collector on a full disk
 *   _hawser/gc.lock                      held by the collector that runs
 *   _hawser/collecting/<path>            a file that a collector took from <path> a moment ago, to look once more whether
 *                                        it is garbage; after a crash it goes back there
 *   _hawser/locks/<path>/<uuid>          in a bucket, which has no locks: who holds the one of <path>, or wants it
 *   _hawser/collected/<path>             tells for an hour that a collector removed the link at <path>
 *   _hawser/quarantine/<hex>             content that was found broken
 */
const base = 'docker/registry/v2';

export const repositoriesPath = `${base}/repositories`;

function digestPath(digest: Digest): string {
  return `${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

/** The folder of one blob. */
export function blobFolderPath(digest: Digest): string {
  const hex = digestHex(digest);
  return `${base}/blobs/${digestAlgorithm(digest)}/${hex.slice(0, 2)}/${hex}`;
}

/** The bytes of a blob or manifest; `digest` is sha256, the only one that registry:2 keeps content under. */
export function blobDataPath(digest: Digest): string {
  return `${blobFolderPath(digest)}/data`;
}

/** Where the sha256 digest of content that was pushed by another algorithm stands, for all repositories. */
export function blobAliasPath(digest: Digest): string {
  return `${blobFolderPath(digest)}/link`;
}

/** Where all content is, of one algorithm; below it lie folders named by the first two digits. */
export function blobsPath(algorithm: string): string {
  return `${base}/blobs/${algorithm}`;
}

function repositoryPath(name: RepositoryName): string {
  return `${repositoriesPath}/${name}`;
}

/** What makes a folder a repository in the eyes of the catalog. */
export function manifestsPath(name: RepositoryName): string {
  return `${repositoryPath(name)}/_manifests`;
}

/** The two kinds of link that a repository has to content: blobs by `_layers`, manifests by `_manifests/revisions`. */
export type LinkKind = '_layers' | '_manifests/revisions';

/** The folder above the links of a repository, below which empty folders may go. */
export function linkKindPath(name: RepositoryName, kind: LinkKind): string {
  return `${repositoryPath(name)}/${kind}`;
}

export function linksPath(name: RepositoryName, kind: LinkKind, algorithm: string): string {
  return `${repositoryPath(name)}/${kind}/${algorithm}`;
}

export function linkFolder(name: RepositoryName, kind: LinkKind, digest: Digest): string {
  return `${repositoryPath(name)}/${kind}/${digestPath(digest)}`;
}

export function linkPath(name: RepositoryName, kind: LinkKind, digest: Digest): string {
  return `${linkFolder(name, kind, digest)}/link`;
}

export function tagsPath(name: RepositoryName): string {
  return `${manifestsPath(name)}/tags`;
}

export function tagPath(name: RepositoryName, tag: Tag): string {
  return `${tagsPath(name)}/${tag}`;
}

export function tagCurrentPath(name: RepositoryName, tag: Tag): string {
  return `${tagPath(name, tag)}/current/link`;
}

export function tagIndexPath(name: RepositoryName, tag: Tag, digest: Digest): string {
  return `${tagPath(name, tag)}/index/${digestPath(digest)}/link`;
}

export function uploadsPath(name: RepositoryName): string {
  return `${repositoryPath(name)}/_uploads`;
}

export function uploadPath(name: RepositoryName, id: UploadID): string {
  return `${uploadsPath(name)}/${id}`;
}

export function uploadDataPath(name: RepositoryName, id: UploadID): string {
  return `${uploadPath(name, id)}/data`;
}

export function uploadStartedPath(name: RepositoryName, id: UploadID): string {
  return `${uploadPath(name, id)}/startedat`;
}

/** Where events wait for an endpoint; its name is one that the configuration checked. */
export function eventsPath(endpoint: string): string {
  return `${base}/_hawser/events/${endpoint}`;
}

/** What the server holds that sends the events of an endpoint. */
export function eventsLockPath(endpoint: string): string {
  return `${eventsPath(endpoint)}/lock`;
}

export function spentPath(id: string): string {
  return `${spentFolder}/${id}`;
}

/** No name of a repository begins with `_`: the list of one is in nobody's way. */
export function knownReferrersPath(name: RepositoryName, subject: Digest): string {
  return `${knownReferrersFolder}/${name}/_${digestPath(subject)}`;
}

export function trashPath(id: string): string {
  return `${trashFolder}/${id}`;
}

export const gcLockPath = `${base}/_hawser/gc.lock`;
/** What is thrown away on a full disk, to make room for the collector's own files. */
export const ballastPath = `${base}/_hawser/ballast`;
export const locksFolder = `${base}/_hawser/locks`;
export const collectingPath = `${base}/_hawser/collecting`;
export const collectedPath = `${base}/_hawser/collected`;
export const trashFolder = `${base}/_hawser/trash`;
export const knownReferrersFolder = `${base}/_hawser/referrers`;
export const spentFolder = `${base}/_hawser/spent`;

/** Where a collector puts the file of `path` while it looks once more. */
export function asidePath(path: string): string {
  return `${collectingPath}/${path.slice(base.length + 1)}`;
}

/** The path that a file below `collectingPath` was taken from. */
export function pathOfAside(path: string): string {
  return `${base}/${path.slice(collectingPath.length + 1)}`;
}

/** Where files are written before they get their name: what a crash leaves lies here and nowhere else. */
export const temporaryFolder = `${base}/_hawser/tmp`;

/** The note that a collector removed a link. */
export function collectedNotePath(name: RepositoryName, kind: LinkKind, canonical: Digest): string {
  return `${collectedPath}/${linkFolder(name, kind, canonical).slice(base.length + 1)}`;
}

export function quarantinePath(digest: Digest): string {
  return `${base}/_hawser/quarantine/${digestHex(digest)}`;
}
