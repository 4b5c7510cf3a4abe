import type { S3Settings } from '../storage/s3/s3-settings.ts';
import { type ConfigNode, configError } from './config-node.ts';
import {
  boolean,
  integer,
  needless,
  oneOf,
  type Reader,
  refine,
  requiredText,
  section,
  text,
} from './readers.ts';

const MiB = 1 << 20;

const fields = section({
  accesskey: text(''),
  secretkey: text(''),
  sessiontoken: text(''),
  region: requiredText,
  regionendpoint: text(''),
  redirectendpoint: text(''),
  forcepathstyle: boolean(undefined),
  bucket: requiredText,
  rootdirectory: text(''),
  encrypt: boolean(false),
  keyid: text(''),
  secure: boolean(true),
  skipverify: boolean(false),
  v4auth: refine(boolean(true), (value, node) => {
    if (value) return undefined;
    throw configError(node, 'cannot be honoured: S3 takes signatures of version 4 only', 'Remove the key.');
  }),
  accelerate: boolean(false),
  usedualstack: boolean(false),
  usefipsendpoint: boolean(false),
  chunksize: integer(10 * MiB, { min: 5 * MiB, max: 5120 * MiB }),
  multipartcopychunksize: integer(32 * MiB, { min: 5 * MiB, max: 5120 * MiB }),
  multipartcopymaxconcurrency: integer(100, { min: 1, max: 1000 }),
  multipartcopythresholdsize: integer(32 * MiB, { max: 5120 * MiB }),
  multipartcombinesmallpart: needless(boolean(true), 'parts that S3 finds too small are always combined'),
  storageclass: text('STANDARD'),
  objectacl: text('private'),
  useragent: text(''),
  loglevel: needless(
    oneOf(
      [
        'off',
        'debug',
        'debugwithsigning',
        'debugwithhttpbody',
        'debugwithrequestretries',
        'debugwithrequesterrors',
        'debugwitheventstreambody',
      ],
      'off',
    ),
    'single requests to S3 are not logged: failures are, and the metrics count all',
  ),
  logs3apirequests: needless(boolean(false), 'single requests to S3 are not logged'),
  logs3apiresponseheaders: needless(node => node.value, 'single requests to S3 are not logged'),
});

type Fields = ReturnType<typeof fields>;

const orNone = (value: string): string | undefined => (value === '' ? undefined : value);

/** A server as a URL; registry:2 takes it without a scheme, too. */
function urlOf(value: string, isSecure: boolean): string | undefined {
  if (value === '' || /^https?:\/\//.test(value)) return orNone(value);
  return `${isSecure ? 'https' : 'http'}://${value}`;
}

function credentialsOf(
  { accesskey, secretkey, sessiontoken }: Fields,
  node: ConfigNode,
): S3Settings['credentials'] {
  if (accesskey === '' && secretkey === '') return undefined;
  if (accesskey === '' || secretkey === '')
    throw configError(node, 'accesskey and secretkey must both be set');
  return { accessKeyId: accesskey, secretAccessKey: secretkey, sessionToken: orNone(sessiontoken) };
}

function encryptionOf({ encrypt, keyid }: Fields): S3Settings['encryption'] {
  if (!encrypt) return undefined;
  return keyid === '' ? 'AES256' : 'aws:kms';
}

/** `storage.s3`: a bucket of Amazon's, or of any server that speaks its protocol. */
export const s3Section: Reader<S3Settings> = refine(fields, (value, node): S3Settings => {
  const endpoint = urlOf(value.regionendpoint, value.secure);
  if (endpoint === undefined && !value.secure) {
    throw configError(node, 'secure: false needs a regionendpoint', 'Amazon is asked over TLS.');
  }
  return {
    bucket: value.bucket,
    region: value.region,
    prefix: value.rootdirectory.replaceAll(/^\/+|\/+$/g, ''),
    endpoint,
    redirectEndpoint: urlOf(value.redirectendpoint, value.secure),
    credentials: credentialsOf(value, node),
    pathStyle: value.forcepathstyle ?? endpoint !== undefined,
    accelerate: value.accelerate,
    dualStack: value.usedualstack,
    fips: value.usefipsendpoint,
    skipVerify: value.skipverify,
    userAgent: orNone(value.useragent),
    encryption: encryptionOf(value),
    keyID: value.encrypt ? orNone(value.keyid) : undefined,
    // What a bucket does anyway is not said: some servers know of neither.
    storageClass: /^(?:STANDARD|NONE|)$/.test(value.storageclass) ? undefined : value.storageclass,
    acl: value.objectacl === 'private' ? undefined : orNone(value.objectacl),
    chunkSize: value.chunksize,
    copyThreshold: value.multipartcopythresholdsize,
    copyChunkSize: value.multipartcopychunksize,
    copyConcurrency: value.multipartcopymaxconcurrency,
  };
});
