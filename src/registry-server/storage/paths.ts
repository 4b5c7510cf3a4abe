import type { RepositoryName, Tag } from '../../distribution/names.ts';
import { type Digest, digestAlgorithm, digestHex } from '../../image/digest.ts';
import type { UploadID } from './upload-id.ts';

/*
 * The layout of registry:2 (distribution/distribution registry/storage/paths.go, the same from v2.0 to v3.1). Every path
 * is built here, from parsed values only. Some files are ours, in places where registry:2 does not look:
 *
 *   blobs/sha512/<hex[0:2]>/<hex>/link   the sha256 digest of a blob that was pushed by its sha512; registry:2 reads
 *                                        files named `data` in blobs/ and nothing else
 *   _hawser/trash/<uuid>                 what is being removed; a crash leaves garbage here and nowhere else
 *   _hawser/events/<endpoint>/<…>.json   events that wait to be sent
 */
const base = 'docker/registry/v2';

export const repositoriesPath = `${base}/repositories`;

function digestPath(digest: Digest): string {
  return `${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

function blobFolder(digest: Digest): string {
  const hex = digestHex(digest);
  return `${base}/blobs/${digestAlgorithm(digest)}/${hex.slice(0, 2)}/${hex}`;
}

/** The bytes of a blob or manifest; `digest` is sha256, the only one that registry:2 keeps content under. */
export function blobDataPath(digest: Digest): string {
  return `${blobFolder(digest)}/data`;
}

/** Where the sha256 digest of content that was pushed by another algorithm stands, for all repositories. */
export function blobAliasPath(digest: Digest): string {
  return `${blobFolder(digest)}/link`;
}

function repositoryPath(name: RepositoryName): string {
  return `${repositoriesPath}/${name}`;
}

/** What makes a folder a repository in the eyes of the catalog. */
function manifestsPath(name: RepositoryName): string {
  return `${repositoryPath(name)}/_manifests`;
}

/** The two kinds of link that a repository has to content: blobs by `_layers`, manifests by `_manifests/revisions`. */
export type LinkKind = '_layers' | '_manifests/revisions';

export function linksPath(name: RepositoryName, kind: LinkKind, algorithm: string): string {
  return `${repositoryPath(name)}/${kind}/${algorithm}`;
}

export function linkFolder(name: RepositoryName, kind: LinkKind, digest: Digest): string {
  return `${repositoryPath(name)}/${kind}/${digestPath(digest)}`;
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

export function trashPath(id: string): string {
  return `${base}/_hawser/trash/${id}`;
}
