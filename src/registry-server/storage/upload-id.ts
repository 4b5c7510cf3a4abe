import { randomUUID } from 'node:crypto';
import { HawserError } from '../../errors/hawser-error.ts';

declare const uploadIDBrand: unique symbol;

/** The name of an upload session, a UUID; it becomes a folder name, so nothing else passes. */
export type UploadID = string & { readonly [uploadIDBrand]: true };

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function newUploadID(): UploadID {
  return randomUUID() as string as UploadID;
}

export function isUploadID(text: string): text is UploadID {
  return pattern.test(text);
}

/** @throws HawserError BLOB_UPLOAD_UNKNOWN: an id that we never gave out */
export function parseUploadID(text: string): UploadID {
  if (isUploadID(text)) return text;
  throw new HawserError('BLOB_UPLOAD_UNKNOWN', `there is no upload ${JSON.stringify(text.slice(0, 100))}`);
}
